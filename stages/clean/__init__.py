"""The stage `clean`; `__main__.py` runs it and lists the rules."""
