"""Ablation: what each of a winner's techniques is worth."""
