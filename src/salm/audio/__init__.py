"""Recordings and what can be known of them without learning: formats, rotation, features, intensity, headphones."""
