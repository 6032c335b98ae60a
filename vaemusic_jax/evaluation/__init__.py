"""Evaluation of a run: codes and traversals are computed from checkpoints, and metrics from these."""
