"""How the kind `documents` reads files: HTML, Markdown, plain text, PDF and Word."""
