"""Defines what an integration can declare, and reads the built-in catalogue of integrations."""
