"""Tasks for Label Studio, and labels from it."""
