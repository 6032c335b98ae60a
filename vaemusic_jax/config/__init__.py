"""Configuration: a YAML file becomes trials, and trials become cohorts that train as one program, all without JAX."""
