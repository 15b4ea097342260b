"""The default: batches of proposals from a Gaussian process."""
