"""Rate limits that every process of the platform shares."""
