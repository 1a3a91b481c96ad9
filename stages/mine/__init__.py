"""The stage `mine`: candidates from several miners, filters, and an estimate of false negatives."""
