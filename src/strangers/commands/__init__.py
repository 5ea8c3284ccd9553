"""The commands, one file each; cli.py registers them."""
