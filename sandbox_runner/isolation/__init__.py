"""Isolates jails: a policy as data, and pure functions from it to bwrap arguments, Landlock rules and BPF."""
