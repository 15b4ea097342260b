"""Population based training: children of the best take the places of the worst, with other settings."""
