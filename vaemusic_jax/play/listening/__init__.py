"""A listening test of what controls of trained models do: its plan, its pages, simulated listeners and its analysis."""
