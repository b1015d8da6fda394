"""Connects a run to the platform, and to nothing else: serves HTTP in the jail and forwards permitted requests."""
