"""Creates apps from files: the app, its table and the import, or nothing of them."""
