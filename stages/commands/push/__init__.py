"""Send the data set or the model at hand to a hub."""
