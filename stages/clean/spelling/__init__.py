"""Typos: the words of a language and of the corpus, and corrections."""
