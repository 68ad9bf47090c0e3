"""Runs over a space of parameter values: which values, which runs, and their results as one array."""
