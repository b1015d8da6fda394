"""Runs an installation: migrations, first users and tokens, metadata repair."""
