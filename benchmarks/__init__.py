"""Measurements against jNeuroML and against the import times of the libraries underneath."""
