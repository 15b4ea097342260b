"""Peers by ask and tell, a peer a file; each runs in an environment that has it, and imports nothing of cotune."""
