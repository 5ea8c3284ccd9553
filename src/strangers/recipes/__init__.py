"""What is trained, and how: the value, the presets and the reproductions."""
