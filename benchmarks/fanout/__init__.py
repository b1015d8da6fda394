"""Measures many simultaneous calls to a third party through the platform."""
