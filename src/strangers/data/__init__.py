"""Photographs and drawings: where they come from, how they are cropped, and the prepared set.

Nothing here loads torch.
"""
