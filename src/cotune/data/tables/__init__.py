"""Tables: where they come from, the kinds of their columns, and where their columns lie."""
