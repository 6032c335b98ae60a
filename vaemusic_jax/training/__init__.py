"""Training on devices: the training step of a member, the loop of a cohort, and the sweep of all cohorts."""
