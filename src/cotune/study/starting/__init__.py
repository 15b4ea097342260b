"""What a study's networks begin with: weights and embeddings of an earlier one, or of a file."""
