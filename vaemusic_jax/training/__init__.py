"""Cohorts trained on devices: one step, one member, one cohort, one sweep."""
