"""The documentation that is generated, and what it is generated from."""
