"""Learning rate against step: linear warm-up, then half a cosine to zero."""

import math

__all__ = ["warmup_cosine"]


def warmup_cosine(step: int, *, warmup_steps: int, steps: int) -> float:
    """Share of the peak learning rate at a step (counted from 0) of ``steps`` in all."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
