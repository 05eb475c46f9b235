"""Transforms against torch.stft, mirrored edges against torch's own pad, sums in bands against the whole product."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from salm.audio.features import mel_filters
from salm.audio.spectrum import band_blocks, in_bands, reflected, spectrum


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_spectrum_is_that_of_torch_stft() -> None:
    signals = noise(2, 3, 4000)
    found = spectrum(signals, n_fft=256, hop=100)
    window = torch.hann_window(256)
    expected = torch.stft(signals.flatten(0, 1), 256, 100, window=window, return_complex=True, center=True)
    expected = torch.unflatten(expected.transpose(1, 2), 0, (2, 3))
    torch.testing.assert_close(torch.complex(*found), expected, atol=1e-4, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_edges_mirror_as_in_torch(margin: int, longer: int) -> None:
    signals = noise(2, 3, margin + longer)
    expected = torch.nn.functional.pad(signals, (margin, margin), mode="reflect")
    assert torch.equal(reflected(signals, margin), expected)


@pytest.mark.parametrize(("n_fft", "mel_bins"), [(1024, 64), (512, 33), (64, 64)])
def test_sums_in_bands_are_the_product_with_all_filters(n_fft: int, mel_bins: int) -> None:
    """At 64 bins of 33, many bands hear nothing, and whole blocks of them might."""
    filters = mel_filters(rate_hz=24_000, n_fft=n_fft, mel_bins=mel_bins)
    spectra = noise(2, 3, 5, n_fft // 2 + 1).square()
    found = in_bands(spectra, filters, band_blocks(filters))
    torch.testing.assert_close(found, spectra @ filters, atol=1e-7, rtol=1e-5)


def test_blocks_of_bands_that_hear_nothing_are_zero() -> None:
    filters = torch.zeros(9, 20)
    filters[3, 18] = 2.0
    found = in_bands(torch.ones(4, 9), filters, band_blocks(filters))
    assert found.sum(0).nonzero().flatten().tolist() == [18]
    assert torch.all(found[:, 18] == 2.0)
