"""Signs in to services with OAuth 1.0a and OAuth 2, and renews their tokens."""
