"""Builds jails: starts their processes, keeps some ready, and finds the isolation that works on this machine."""
