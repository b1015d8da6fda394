"""Manages what starts an action by itself: its schedules."""
