"""Shows an organization what it uses, day by day and against its limits."""
