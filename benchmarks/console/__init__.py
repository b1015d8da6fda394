"""Measures the web console in the system's Chromium, as CPU of the main thread beside a bare page."""
