"""Reports on finished runs: tables, figures and an HTML page.

They are made from run directories alone, without checkpoints, data sets or JAX.
"""
