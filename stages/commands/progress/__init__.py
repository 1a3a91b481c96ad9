"""The command `progress`."""
