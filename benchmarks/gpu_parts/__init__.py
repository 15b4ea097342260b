"""Parts of benchmarks/gpu.py: the sides, and how they are measured against each other."""
