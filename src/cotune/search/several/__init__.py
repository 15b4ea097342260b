"""Several objectives: who is dominated, who goes on, and how samplers of one score serve them all."""
