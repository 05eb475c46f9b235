"""Short-time Fourier transforms of sound fields, in plain torch."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Spectrum", "spectrum"]


class Spectrum(NamedTuple):
    """Real and imaginary part of the transform of every channel."""

    real: Float[Tensor, "batch channel frame bin"]
    imaginary: Float[Tensor, "batch channel frame bin"]


def spectrum(
    signals: Float[Tensor, "batch channel time"], *, n_fft: int, hop: int, window: Float[Tensor, " n_fft"] | None = None
) -> Spectrum:
    """Transforms of centred frames with reflected edges, one-sided, not normalised: ``time // hop + 1`` frames.

    Parameters
    ----------
    window
        Of length ``n_fft``; None is the periodic Hann window.

    Raises
    ------
    ValueError
        If the signal is shorter than half a window, which centred frames cannot be taken from.
    """
    if signals.shape[-1] <= n_fft // 2:
        raise ValueError(f"the signal has {signals.shape[-1]} samples but its spectrum needs over {n_fft // 2}.")
    window = torch.hann_window(n_fft, periodic=True) if window is None else window
    padded = nn.functional.pad(signals, (n_fft // 2, n_fft // 2), mode="reflect")
    transformed = torch.fft.rfft(padded.unfold(-1, n_fft, hop) * window)
    return Spectrum(transformed.real, transformed.imag)
