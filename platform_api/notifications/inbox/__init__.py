"""Sends in-app notifications, and shows them as they come."""
