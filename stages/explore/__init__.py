"""The stage `explore`: a map and a table of the documents, in one page that opens offline."""
