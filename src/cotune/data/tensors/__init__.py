"""Tensors for a user's own network: where they come from, how they are loaded, and their rows."""
