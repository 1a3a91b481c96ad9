"""The stage `tokenize`: tokens at a fixed length, and what truncation costs."""
