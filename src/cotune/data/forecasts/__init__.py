"""Forecasts: times put in order, rows that are windows of series, and their split by time."""
