"""What more than one stage needs; nothing here knows a stage."""
