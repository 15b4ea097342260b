"""The parts of `benchmarks/families.py`: a file for each kind of data, and one for speed."""
