"""Declared synchronisations: lists of third-party services kept in app tables."""
