"""Measures automio beside a floor and a peer, in one run; says how many times as quick each is."""
