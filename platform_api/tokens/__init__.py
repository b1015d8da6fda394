"""Tokens as their owners manage them: create, list, revoke."""
