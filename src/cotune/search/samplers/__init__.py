"""Where proposals come from, a strategy a file; Gaussian processes of ours have a room beside this one."""
