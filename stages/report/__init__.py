"""The stage `report`: a page about one run of the pipeline."""
