"""Search: encoder, its cache, dense search, BM25 and the corpus."""
