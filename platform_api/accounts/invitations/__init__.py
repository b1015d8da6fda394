"""Invites people to an organization by a link, which makes them an account if they have none."""
