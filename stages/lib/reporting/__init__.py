"""Pages and charts, gates, and the details of stages."""
