"""A small marketplace to build against: OAuth with rotating tokens, orders, offers, an event journal, webhooks.

`automio mock-shop` serves it. Its data is made from a seed, so that two starts show the same shop; faults (errors,
delays, resets) happen only when asked for. What works here works with a real shop by choosing another connection.
"""
