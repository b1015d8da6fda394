"""Implements the commands that build an app on the platform: apps, tables, actions, runs."""
