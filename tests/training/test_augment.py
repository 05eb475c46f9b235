"""Masks hide one stretch of frames and one of bands of an item, on all channels alike."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from salm.audio.features import FLOOR_DB
from salm.training.augment import mask_features


def masked(features: Tensor, seed: int = 0, **sizes: int) -> Tensor:
    return mask_features(features, generator=torch.Generator().manual_seed(seed), **sizes)


@pytest.fixture
def features() -> Tensor:
    """No value is one that masks are made of."""
    return 1.0 + torch.rand(64, 7, 50, 20, generator=torch.Generator().manual_seed(1))


def runs(hidden: np.ndarray) -> int:
    """Number of stretches of true values."""
    return int(np.sum(np.diff(np.concatenate([[0], hidden.astype(int)])) == 1))


def test_hidden_bins_are_silent_and_others_untouched(features: Tensor) -> None:
    result = masked(features)
    hidden = result != features
    assert hidden.any()
    assert torch.equal(result[:, :4][hidden[:, :4]].unique(), torch.tensor([FLOOR_DB]))
    assert torch.equal(result[:, 4:][hidden[:, 4:]].unique(), torch.tensor([0.0]))


def test_all_channels_are_hidden_alike(features: Tensor) -> None:
    hidden = masked(features) != features
    assert torch.equal(hidden, hidden[:, :1].expand_as(hidden))


def test_an_item_loses_one_stretch_of_frames_and_one_of_bands(features: Tensor) -> None:
    hidden = (masked(features, frames=24, mel_bins=6) != features)[:, 0].numpy()
    for item in hidden:
        frames, bands = item.all(axis=1), item.all(axis=0)
        np.testing.assert_array_equal(item, frames[:, None] | bands[None])
        assert runs(frames) <= 1
        assert runs(bands) <= 1
        assert frames.sum() <= 24
        assert bands.sum() <= 6


@pytest.mark.parametrize(("sizes", "axis"), [({"frames": 9, "mel_bins": 0}, 1), ({"frames": 0, "mel_bins": 9}, 0)])
def test_lengths_are_uniform_from_zero(sizes: dict[str, int], axis: int) -> None:
    features = torch.ones(3000, 1, 20, 20)
    hidden = (masked(features, log_mel_channels=1, **sizes) != features)[:, 0].numpy()
    lengths = hidden.all(axis=1 + axis).sum(axis=1)
    assert chisquare(np.bincount(lengths, minlength=10)).pvalue > 1e-3


def test_every_frame_and_band_is_hidden_at_times() -> None:
    features = torch.ones(2000, 1, 12, 12)
    hidden = (masked(features, frames=3, mel_bins=3, log_mel_channels=1) != features)[:, 0]
    assert hidden.all(2).any(0).all()
    assert hidden.all(1).any(0).all()


def test_a_stretch_may_be_as_long_as_the_features() -> None:
    features = torch.ones(200, 1, 5, 8)
    hidden = (masked(features, frames=5, mel_bins=0, log_mel_channels=1) != features)[:, 0]
    assert hidden.all((1, 2)).any()


def test_it_follows_from_the_generator(features: Tensor) -> None:
    assert torch.equal(masked(features, seed=5), masked(features, seed=5))
    assert not torch.equal(masked(features, seed=5), masked(features, seed=6))


def test_items_of_a_batch_are_hidden_differently() -> None:
    features = torch.ones(8, 7, 50, 20)
    assert len({item.numpy().tobytes() for item in masked(features)}) > 4


def test_its_input_is_left_alone(features: Tensor) -> None:
    before = features.clone()
    masked(features)
    assert torch.equal(features, before)
