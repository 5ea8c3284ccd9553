"""Recipes: the value, the presets, and the reproductions of public systems."""
