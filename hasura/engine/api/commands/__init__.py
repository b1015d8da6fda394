"""Holds the commands of the metadata API, a module for each kind of thing that they change.

A module registers its commands when it is imported (`registry`); `dispatch` imports them all.
"""
