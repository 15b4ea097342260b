"""Networks that the user builds: how many lanes of one module train side by side."""
