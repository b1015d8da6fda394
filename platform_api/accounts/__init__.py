"""Manages organizations, users, memberships and tokens, and decides what a caller may see."""
