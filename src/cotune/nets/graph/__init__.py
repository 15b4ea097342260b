"""Networks over graphs: what nodes send along edges, four ways."""
