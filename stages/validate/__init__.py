"""The stage `validate`: measure whether the training data is worth training on."""
