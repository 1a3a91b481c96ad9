"""The command that fetches what the stages read offline."""
