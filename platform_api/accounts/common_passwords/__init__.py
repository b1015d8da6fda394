"""Holds a list of passwords that many people use, and refuses them."""
