"""Networks of words."""
