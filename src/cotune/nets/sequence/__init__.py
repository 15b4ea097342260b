"""Networks that read rows in the order of time: recurrent ones, convolutions over time, a small Transformer."""
