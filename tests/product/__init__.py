"""The model that a study leaves."""
