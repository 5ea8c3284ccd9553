"""Training: the step, the loop round it, and what a run leaves behind."""
