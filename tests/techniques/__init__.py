"""The catalogue of techniques."""
