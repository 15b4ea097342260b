"""Texts: where they come from, how they are loaded, their rows, and embeddings of words."""
