"""Reproducible measurements of generated faces: quality, diversity, memorization and attributes."""
