"""Apps: what an organization builds, its versioned source tree, and which other organizations installed it."""
