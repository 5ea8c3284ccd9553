"""Trained generators: model files, faces from seeds, pictures of them."""
