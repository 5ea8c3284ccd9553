"""The machine: devices, files, streams and the cache."""
