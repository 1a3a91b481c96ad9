"""The stage `augment`: variants of training anchors, and what is refused of them."""
