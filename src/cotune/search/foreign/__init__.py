"""Our strategies in the hands of other tools."""
