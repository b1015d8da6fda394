"""Sends HTTP requests to addresses that tenants name, with limits on everything an upstream decides."""
