"""Who is stopped before its end."""
