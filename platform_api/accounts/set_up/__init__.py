"""Creates the first user of an installation and their organization, by whoever has the link that it printed."""
