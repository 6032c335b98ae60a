"""The networks, the terms of their losses, and what the rest of the package knows of a model."""
