"""Studies that generate: what recipes mean there, the judge, and what is made at the end."""
