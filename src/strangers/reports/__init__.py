"""Results as HTML pages and JSON."""
