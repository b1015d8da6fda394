"""Manages apps: their settings, their versioned source trees, and their installs in other organizations."""
