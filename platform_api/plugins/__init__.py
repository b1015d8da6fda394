"""Manages plugins: implementations of a shared plugin interface, one per integration."""
