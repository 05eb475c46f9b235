"""Everyday sounds from physics and noise: one class a kind of sound, one file a family of kinds.

The attributes of a kind are what can be heard in it and said about it; the rest is left to chance when it is rendered.
"""
