"""Sends mail to the platform's users, or keeps it to be read here; and shows in-app notifications."""
