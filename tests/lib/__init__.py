"""What stages share, module by module."""
