"""Names the owner whom a first start creates unless it is told another."""

DEFAULT_EMAIL = "owner@automio.local"
