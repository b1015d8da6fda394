"""A developer's own folder: its files and those of an app, plugins tested without their services, runs at home."""
