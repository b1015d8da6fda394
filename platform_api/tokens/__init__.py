"""Lets owners create, list and revoke their tokens."""
