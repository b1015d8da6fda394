"""Connects accounts, tries their credentials, and keeps what apps may use of them."""
