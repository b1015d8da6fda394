"""Converts cells to the values of columns, and back."""
