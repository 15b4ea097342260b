"""What lanes learn where that is no loss of outputs: a contest of two networks, a step of the user's."""
