"""From a YAML file to trials, and from trials to the cohorts that train as one program. Nothing here imports JAX."""
