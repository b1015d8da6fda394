"""Serves a small marketplace to build against: OAuth with rotating tokens, orders, offers, events, webhooks.

`automio mock-shop` serves it. Its data is generated from a seed, so that two starts show the same shop; faults
(errors, delays, resets) happen only when requested. What works here works with a real shop by choosing another
connection.
"""
