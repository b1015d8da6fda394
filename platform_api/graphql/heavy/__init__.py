"""Keeps work that takes long off the event loop that everybody shares.

`budget` counts the CPU time that each organization's requests take of the loop, `lane` sends what is large, and what
comes from an organization that has used its time up, to the process that `process` runs: an engine of its own, with a
lower priority, which is started when it is first needed and ends when nobody has needed it for a while.
"""
