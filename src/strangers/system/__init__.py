"""Devices, machine, files, streams and the cache."""
