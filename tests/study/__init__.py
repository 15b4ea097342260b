"""Whole studies on tiny data."""
