"""Raw columns to numbers, fitted on training rows only: one technique, one file, one frozen state."""
