"""Serves live queries and streams: many subscribers, few statements, none at all while nothing changes."""
