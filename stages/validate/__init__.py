"""The stage `validate`: leakage, separation, the base model, and the page that tells of them."""
