"""Defines what can be declared of an integration, and reads the built-in catalogue of them."""
