"""The plain twin: what a lane means, as anybody would write it in PyTorch, and never fast."""
