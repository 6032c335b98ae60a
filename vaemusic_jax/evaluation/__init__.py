"""From checkpoints to every metric of a run: what is decoded, and what each metric is fed."""
