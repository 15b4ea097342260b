"""Charts as SVG, made here: one chart a file, on shared scales and axes."""
