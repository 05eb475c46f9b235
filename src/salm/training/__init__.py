"""Losses, schedule, trainer, checkpoints."""
