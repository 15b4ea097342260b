"""Histories of an engine, drawn at random, and what comes of them."""
