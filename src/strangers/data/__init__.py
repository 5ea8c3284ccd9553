"""Photographs and drawings: where they come from, how they are cropped, and the prepared set.

torch is loaded only where a photograph is resized.
"""
