"""When a study has nothing more to gain."""
