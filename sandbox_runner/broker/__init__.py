"""A run's only connection to the outside: serves HTTP in the jail and forwards permitted requests to the platform."""
