"""Answers what the web console needs at once for its first screen."""
