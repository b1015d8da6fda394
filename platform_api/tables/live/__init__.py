"""Tells those who look at an app's tables when their definitions change."""
