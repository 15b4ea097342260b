"""The catalogue: every technique by name, what turns it on and off, where it comes from."""
