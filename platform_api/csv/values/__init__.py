"""Converts cells to values of columns, and back."""
