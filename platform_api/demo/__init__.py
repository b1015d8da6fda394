"""Runs `automio demo`: an installation with a sample app, run once end to end through the public HTTP API."""
