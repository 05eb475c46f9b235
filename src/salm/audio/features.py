"""Log-mel spectrograms and mel intensity vectors of first-order Ambisonics, in plain torch.

The seven channels are the log-mel spectra of W, Y, Z, X and the mel intensity of Y, Z, X, as in PSELDNets
(arXiv 2411.06399): periodic Hann window, centred frames with reflected edges, HTK mel scale with area
normalisation, 10 log10 with a floor of -100 dB. The intensity of a bin is Re(conj(W) V) for V in Y, Z, X,
divided by its Euclidean norm *before* the mel projection, so it carries direction and no level.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from salm.audio.intensity import UnitIntensity, onset_weights
from salm.audio.spectrum import band_blocks, in_bands, spectrum

__all__ = ["FLOOR_DB", "LogMelIntensity", "mel_filters"]

FLOOR_DB = -100.0
"""Level of a silent bin in dB: log-mel values are never lower."""


def mel_filters(
    *, rate_hz: int, n_fft: int, mel_bins: int, low_hz: float = 20.0, high_hz: float | None = None
) -> Float[Tensor, "bin mel"]:
    """Triangular filters, equally spaced on the HTK mel scale 2595 log10(1 + f / 700), each of unit area.

    Parameters
    ----------
    rate_hz, n_fft
        Sampling rate and transform length: the filters cover its ``n_fft // 2 + 1`` bins.
    mel_bins
        Number of filters.
    low_hz, high_hz
        Lower edge of the first and upper edge of the last filter. The default upper edge is half the rate.

    Raises
    ------
    ValueError
        If the edges are not ``0 <= low_hz < high_hz <= rate_hz / 2``.
    """
    high_hz = rate_hz / 2 if high_hz is None else high_hz
    if not 0 <= low_hz < high_hz <= rate_hz / 2:
        raise ValueError(f"mel edges are {low_hz} and {high_hz} Hz but must rise within 0 and {rate_hz / 2} Hz.")
    edges_mel = 2595.0 * torch.log10(1.0 + torch.tensor([low_hz, high_hz], dtype=torch.float64) / 700.0)
    grid_mel = torch.linspace(float(edges_mel[0]), float(edges_mel[1]), mel_bins + 2, dtype=torch.float64)
    grid_hz = 700.0 * (10.0 ** (grid_mel / 2595.0) - 1.0)
    bins_hz = torch.linspace(0.0, rate_hz / 2, n_fft // 2 + 1, dtype=torch.float64)
    rising = (bins_hz[:, None] - grid_hz[:-2]) / (grid_hz[1:-1] - grid_hz[:-2])
    falling = (grid_hz[2:] - bins_hz[:, None]) / (grid_hz[2:] - grid_hz[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0.0)
    return (triangles * (2.0 / (grid_hz[2:] - grid_hz[:-2]))).float()


class LogMelIntensity(nn.Module):
    """First-order Ambisonics to seven feature channels: log-mel of W, Y, Z, X, then intensity of Y, Z, X.

    Parameters
    ----------
    rate_hz
        Sampling rate of the input in Hz.
    n_fft
        Length of window and transform in samples.
    hop
        Samples from frame to frame; ``time`` samples give ``time // hop + 1`` frames.
    mel_bins
        Passed to :func:`mel_filters`.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        rate_hz: int = 24_000,
        n_fft: int = 1024,
        hop: int = 240,
        mel_bins: int = 64,
    ) -> None:
        super().__init__()
        self.rate_hz, self.n_fft, self.hop = rate_hz, n_fft, hop
        filters = mel_filters(rate_hz=rate_hz, n_fft=n_fft, mel_bins=mel_bins)
        # Derived from the numbers above, hence not part of a checkpoint.
        self.register_buffer("window", torch.hann_window(n_fft, periodic=True), persistent=False)
        self.register_buffer("filters", filters, persistent=False)
        self.blocks = band_blocks(filters)

    def forward(self, foa: Float[Tensor, "batch 4 time"]) -> Float[Tensor, "batch 7 frame mel"]:
        """Feature channels of AmbiX signals.

        Raises
        ------
        ValueError
            If the signal is shorter than half a window, which centred frames cannot be taken from.
        """
        return self.from_intensity(self.intensity(foa))

    def intensity(self, foa: Float[Tensor, "batch 4 time"]) -> UnitIntensity:
        """Power and intensity of every bin, which all features are made from."""
        return UnitIntensity.of(spectrum(foa, n_fft=self.n_fft, hop=self.hop, window=self.window))

    def from_intensity(self, unit: UnitIntensity) -> Float[Tensor, "batch 7 frame mel"]:
        """The seven feature channels."""
        log_mel = self._mel(unit.power).clamp_(min=1e-10).log10_().mul_(10.0)
        return torch.cat([log_mel, self._mel(unit.vectors)], dim=1)

    def onsets(self, unit: UnitIntensity) -> Float[Tensor, "batch 4 frame mel"]:
        """Onset weights (:mod:`salm.audio.intensity`), then the intensity y, z, x with these weights, in mel bands.

        Summed over frames and bands the last three point to the un-learned direction. The scale has no meaning.
        """
        weights = onset_weights(unit, hop_s=self.hop / self.rate_hz).unsqueeze(1)
        return torch.cat([self._mel(weights), self._mel(unit.vectors * weights)], dim=1)

    def _mel(self, spectra: Float[Tensor, "batch channel frame bin"]) -> Float[Tensor, "batch channel frame mel"]:
        return in_bands(spectra, self.filters, self.blocks)
