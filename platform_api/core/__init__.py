"""Holds what every domain builds on: settings, database, errors, logging, HTTP middleware."""
