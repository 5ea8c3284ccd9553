"""Reports: self-contained HTML pages and JSON."""
