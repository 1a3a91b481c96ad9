"""The kinds of sources. A kind is one file; `registry.py` lists them."""
