"""The parts of `benchmarks/engine.py`: its cases, its peers, our side, the limits, and how they take turns."""
