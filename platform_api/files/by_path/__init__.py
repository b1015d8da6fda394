"""Serves files by their path."""
