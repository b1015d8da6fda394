"""Connects accounts, stores their credentials, and decides which of them apps may use."""
