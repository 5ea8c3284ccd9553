"""A model's latent space: directions in it, walks through it, and the latent of a photograph."""
