"""HTML fragments, formulas and Markdown as plain text."""
