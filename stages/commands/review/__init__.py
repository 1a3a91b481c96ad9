"""People judge rows: as a local page, or in a sheet for spreadsheets."""
