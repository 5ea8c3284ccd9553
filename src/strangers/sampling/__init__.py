"""Trained generators: model files, latents, faces and pictures."""
