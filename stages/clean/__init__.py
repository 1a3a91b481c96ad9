"""The stage `clean`: `__main__.py` is the command and the order of the rules, the other files are the rules."""
