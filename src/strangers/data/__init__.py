"""Prepared sets, made from photographs or drawn faces.

Only resizing a photograph imports torch.
"""
