"""Row-wise work on texts: shards, languages, word lists."""
