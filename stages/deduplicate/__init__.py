"""The stage `deduplicate`: drop exact copies and link near-duplicates."""
