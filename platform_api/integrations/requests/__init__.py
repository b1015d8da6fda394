"""Builds the request that goes upstream from a call and the credentials of its connection."""
