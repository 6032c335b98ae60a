"""The metrics of a trained model. Each function's docstring gives its formula, its range and its source."""
