"""Reads schedules and computes their times."""
