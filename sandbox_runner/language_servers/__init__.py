"""Runs language servers in jails, each for one editor, and carries their messages to the control plane."""
