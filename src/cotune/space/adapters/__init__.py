"""Search spaces that other tools have, read as cotune's: a file for each tool."""
