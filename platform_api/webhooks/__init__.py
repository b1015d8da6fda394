"""Serves webhooks: addresses at which other services start an app's actions."""
