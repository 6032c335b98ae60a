"""Models: their networks and initial weights, the terms of their losses, and the interface that other packages use."""
