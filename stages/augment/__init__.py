"""The stage `augment`: variants of training anchors, and filters that decide which are added."""
