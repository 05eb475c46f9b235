"""Masking of features in training (SpecAugment, arXiv 1904.08779), light, on all channels alike."""

import torch
from jaxtyping import Float
from torch import Tensor

from salm.audio.features import FLOOR_DB

__all__ = ["mask_features"]


def mask_features(
    features: Float[Tensor, "batch channel frame mel"],
    *,
    generator: torch.Generator,
    frames: int = 24,
    mel_bins: int = 6,
    log_mel_channels: int = 4,
) -> Float[Tensor, "batch channel frame mel"]:
    """Features with one stretch of frames and one of mel bands silenced an item.

    Parameters
    ----------
    frames, mel_bins
        Longest stretch; lengths are uniform from 0.
    log_mel_channels
        The first so many channels are levels in dB, silent at the floor; the others are silent at zero.
    """
    batch, _, frame_count, mel_count = features.shape
    hidden = _stretch(batch, frame_count, frames, generator)[:, None, :, None]
    hidden = hidden | _stretch(batch, mel_count, mel_bins, generator)[:, None, None, :]
    silent = features.new_zeros(1, features.shape[1], 1, 1)
    silent[:, :log_mel_channels] = FLOOR_DB
    return torch.where(hidden.to(features.device), silent, features)


def _stretch(batch: int, size: int, longest: int, generator: torch.Generator) -> Tensor:
    length = torch.randint(0, longest + 1, (batch, 1), generator=generator)
    start = (torch.rand(batch, 1, generator=generator) * (size - length + 1)).long()
    position = torch.arange(size)[None]
    return (position >= start) & (position < start + length)
