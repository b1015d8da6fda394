"""Writes the items of a list as rows of an app table."""
