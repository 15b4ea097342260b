"""Graphs: where they come from, how they are loaded, their rows, and what all rows share."""
