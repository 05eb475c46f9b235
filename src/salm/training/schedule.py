"""What changes with the step: the learning rate, and which terms of the loss count."""

import math
from dataclasses import dataclass, replace

from salm.training.losses import LossWeights

__all__ = ["Schedule", "warmup_cosine"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A run's length in steps, and what happens when.

    Parameters
    ----------
    steps, warmup_steps
        Of the whole run, and those in which the learning rate rises.
    cl_from_step
        First step in which L_CL counts. The paper's code line leaves it out of the first three of ten epochs: while it
        does, L_sCL has the weight of both.
    """

    steps: int
    warmup_steps: int
    cl_from_step: int = 0

    def learning_rate(self, step: int) -> float:
        """Share of the peak learning rate at a step, counted from 0."""
        return warmup_cosine(step, warmup_steps=self.warmup_steps, steps=self.steps)

    def weights(self, step: int, weights: LossWeights) -> LossWeights:
        """The weights of the terms at a step."""
        if step >= self.cl_from_step:
            return weights
        return replace(weights, cl=0.0, scl=weights.cl + weights.scl)


def warmup_cosine(step: int, *, warmup_steps: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up, then half a cosine to zero."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
