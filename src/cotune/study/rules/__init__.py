"""Combinations of settings that make no sense, and what is done about them."""
