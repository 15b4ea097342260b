"""What the command line prints about a study: a file for what each command says."""
