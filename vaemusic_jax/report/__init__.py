"""A finished run as tables, figures and a page, from its run directory alone: no checkpoints, data sets or JAX."""
