"""Measures of music: the grid of ticks, the token vocabulary, musical attributes, and transposition.

Only `transposition` imports JAX.
"""
