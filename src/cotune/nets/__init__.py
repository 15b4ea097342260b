"""Architectures, made of layers that carry a lane axis."""
