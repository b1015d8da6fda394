"""Shows callers their own imports and exports, and tells them of the end."""
