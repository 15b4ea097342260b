"""Studies of several objectives, and of limits on what a model may cost."""
