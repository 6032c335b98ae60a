"""Devices that are not here: cohorts compiled for them, counted, and a sweep planned with what was counted."""
