"""Spatial captions by a language model: asked for, checked, and put right by a template where the model fails."""
