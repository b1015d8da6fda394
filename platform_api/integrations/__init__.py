"""Calls third-party HTTP APIs: by definitions, through connections whose credentials never leave the platform."""
