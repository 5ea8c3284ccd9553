"""Drawn faces with exact labels, from seeds."""
