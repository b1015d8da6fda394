"""Manages actions: what an app offers to be run, each an entry into the app's source tree."""
