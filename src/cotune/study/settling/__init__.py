"""What "auto" means for the data at hand, and which networks suit it."""
