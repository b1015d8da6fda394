"""Shows operators how the installation does."""
