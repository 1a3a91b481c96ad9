"""Normal forms and shingles of texts, and near-duplicates by them."""
