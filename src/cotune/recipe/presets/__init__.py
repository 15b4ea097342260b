"""Where to search, by kind and size of the data: `search.preset` replaces the defaults of keys that nobody set."""
