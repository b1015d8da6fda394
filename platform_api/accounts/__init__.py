"""Who uses the platform: organizations, users, memberships, tokens, and what a caller may see."""
