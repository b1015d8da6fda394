"""Deletes apps with everything in them, and tells before what that is."""
