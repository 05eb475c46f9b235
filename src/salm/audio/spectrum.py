"""Short-time Fourier transforms of sound fields, and sums of their bins in bands; in plain torch."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["BandBlock", "Spectrum", "band_blocks", "in_bands", "reflected", "spectrum"]

_BANDS_A_BLOCK = 16


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
    transformed = torch.fft.rfft(reflected(signals, n_fft // 2).unfold(-1, n_fft, hop) * window)
    return Spectrum(transformed.real, transformed.imag)


def reflected(signals: Float[Tensor, "*item time"], margin: int) -> Float[Tensor, "*item padded"]:
    """Signals with ``margin`` samples mirrored at their first and at their last; shorter than the signal."""
    # torch's own reflecting pad of three axes takes seven times as long.
    before, after = signals[..., 1 : margin + 1].flip(-1), signals[..., -margin - 1 : -1].flip(-1)
    return torch.cat([before, signals, after], dim=-1)


class BandBlock(NamedTuple):
    """Neighbouring bands and the bins that they hear."""

    bins: slice
    bands: slice


def band_blocks(filters: Float[Tensor, "bin band"]) -> list[BandBlock]:
    """All bands in blocks of sixteen, low to high; outside a block's bins its filters are zero."""
    blocks = []
    for start in range(0, filters.shape[1], _BANDS_A_BLOCK):
        bands = slice(start, start + _BANDS_A_BLOCK)
        heard = filters[:, bands].any(dim=1).nonzero().flatten().tolist()
        blocks.append(BandBlock(slice(heard[0], heard[-1] + 1) if heard else slice(0, 0), bands))
    return blocks


def in_bands(
    spectra: Float[Tensor, "*item bin"], filters: Float[Tensor, "bin band"], blocks: list[BandBlock]
) -> Float[Tensor, "*item band"]:
    """The product of spectra and filters, block by block: the zeros between would take most of the time."""
    return torch.cat([spectra[..., bins] @ filters[bins, bands] for bins, bands in blocks], dim=-1)
