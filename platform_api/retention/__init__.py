"""Removes what an app's history has beyond what its owner says, within what the installation allows.

Runs, their logs, calls to integrations and deliveries of webhooks are kept by age, by number and by size. Number and
size are counted for each organization that uses the app, so that none of them removes what another one has. What
something living refers to is never removed: a run that goes on, its parent and its child, a delivery within the time
in which its sender may repeat it, a run whose key a client may send again.
"""
