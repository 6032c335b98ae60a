"""What is measured about a trained model; formulas, ranges and sources are in each function's docstring."""
