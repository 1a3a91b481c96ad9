"""The stage `mine`: candidates from several miners, the rules that refuse them, and how many errors remain."""
