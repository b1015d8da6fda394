"""A run's only way out: serves the jail's HTTP connections and forwards what a run may ask of the platform."""
