"""The use of trained models: restoring them from a run, encoding and decoding measures."""
