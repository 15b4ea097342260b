"""Tasks, figures and turns of benchmarks/time_to_target.py; the sides themselves are in `sides/target`."""
