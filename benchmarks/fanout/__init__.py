"""Many calls to a third party at once, through the platform."""
