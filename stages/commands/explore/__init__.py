"""The command `explore`: the page of documents with changes, and by the fine-tuned model."""
