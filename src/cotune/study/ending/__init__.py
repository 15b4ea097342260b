"""The end of a study: from kept trials to the model, and its test."""
