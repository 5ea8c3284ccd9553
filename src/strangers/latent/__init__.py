"""A model's latent space: attribute directions, interpolation, inversion of photographs."""
