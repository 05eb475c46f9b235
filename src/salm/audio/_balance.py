"""How well channels keep the energy balance of an Ambisonic format: the physics behind `salm.audio.doctor`.

In SN3D the energies of X, Y and Z add up to that of W, in FuMa to twice and in N3D to three times as much: for one
plane wave, for any that do not interfere, and for a diffuse field. Once channels are converted to AmbiX by a layout
that is the right one, W and the three balance in every block of time and frequency.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex, Float32, Int64

from salm.audio.spectrum import spectrum

__all__ = ["Balance", "balance", "likeness"]

_WINDOW_S = 0.043
# Capsules of small arrays are still one point there, and rooms no longer have single modes.
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 2500.0
_BLOCK_FRAMES, _BLOCK_BINS = 6, 3
_FAINTEST = 1e-5
# Of one sound in a room, and how many bands that knowledge weighs as much as.
_USUAL_SPREAD, _USUAL_BANDS = 0.25, 3
_TINY = 1e-30


class Balance(NamedTuple):
    """Of channels W, Y, Z, X that may be AmbiX."""

    gradients_db: float
    """Energy of Y, Z and X together over W's in dB; 0 of AmbiX, 3.0 of FuMa, 4.8 of N3D."""
    spread: float
    """Root mean square over blocks of (E_yzx - E_w) / (E_yzx + E_w); 0 of one plane wave, 0.2 in a lively room."""
    coherence: float
    """How much of one wave the blocks are, 0.25 to 1: mean of tr(C^2) / tr(C)^2 with their covariances C."""
    in_phase: float
    """Share of what Y, Z and X have in common with W that is in phase with it, 0 to 1; low of spaced microphones."""
    bands: float
    """How many bands of frequency the sound is in, as if all weighed the same, from 1 on."""

    @property
    def scatter(self) -> float:
        """The spread, of which few bands tell little: the usual one counts as some bands more."""
        square = self.bands * self.spread**2 + _USUAL_BANDS * _USUAL_SPREAD**2
        return float(np.sqrt(square / (self.bands + _USUAL_BANDS)))

    @property
    def doubt(self) -> float:
        """Standard error of a mean over the bands, of what scatters as much as the balance does.

        In a room every frequency has an interference of its own, which stays as long as the sound does: a tone is one
        sample, however long it is.
        """
        return self.scatter / float(np.sqrt(self.bands))

    @property
    def doubt_db(self) -> float:
        """The same of :attr:`gradients_db`, by its slope at 0 dB."""
        return 20 / float(np.log(10)) * self.doubt


def balance(samples: Float32[np.ndarray, "4 time"], rate_hz: int) -> Balance | None:
    """The balance of a signal that may be AmbiX; None if it is silent or too short for a block."""
    covariances, band = _covariances(samples, rate_hz)
    powers = np.einsum("bii->bi", covariances).real
    total = powers.sum(axis=1)
    heard = total > max(float(total.max(initial=0.0)) * _FAINTEST, _TINY)
    if not heard.any():
        return None
    covariances, band, total = covariances[heard], band[heard], total[heard]
    w = powers[heard, 0] / total
    purity = np.square(np.abs(covariances)).sum(axis=(1, 2)) / np.square(total)
    # Blocks of one wave count most. Much more of a preference would choose blocks in which reflections cancel X, Y, Z.
    weights = np.square(purity) * np.sqrt(total)
    weights /= weights.sum()
    mean_w = float(weights @ w)
    shared = covariances[:, 0, 1:] / total[:, None]
    common = float(weights @ np.square(np.abs(shared)).sum(axis=1))
    return Balance(
        gradients_db=10 * float(np.log10(max(1 - mean_w, _TINY) / max(mean_w, _TINY))),
        spread=float(np.sqrt(weights @ np.square(1 - 2 * w))),
        coherence=float(weights @ purity),
        in_phase=float(weights @ np.square(shared.real).sum(axis=1)) / common if common > _TINY else 0.0,
        bands=1 / float(np.square(np.bincount(band, weights)).sum()),
    )


def likeness(samples: Float32[np.ndarray, "channel time"], rate_hz: int) -> float:
    """How alike channels are from 60 to 300 Hz, 0 to 1, where capsules of one sphere all hear the same pressure."""
    spectra = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(samples.shape[1], 1 / rate_hz)
    low = spectra[:, (hertz >= 60) & (hertz <= 300)]
    whole = len(samples) * float(np.square(np.abs(low)).sum())
    return float(np.square(np.abs(low.sum(axis=0))).sum()) / whole if whole else 0.0


def _covariances(
    samples: Float32[np.ndarray, "4 time"], rate_hz: int
) -> tuple[Complex[np.ndarray, "block 4 4"], Int64[np.ndarray, " block"]]:
    """Of every block of time and frequency, and the number of its band."""
    n_fft = 1 << max(4, round(np.log2(_WINDOW_S * rate_hz)))
    if samples.shape[1] < n_fft // 2 * _BLOCK_FRAMES:
        return np.zeros((0, 4, 4), np.complex64), np.zeros(0, np.int64)
    field = torch.complex(*spectrum(torch.from_numpy(samples)[None], n_fft=n_fft, hop=n_fft // 2))[0].numpy()
    hertz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    field = field[:, :, (hertz >= _LOWEST_HZ) & (hertz <= _HIGHEST_HZ)]
    frames, bins = field.shape[1] // _BLOCK_FRAMES, field.shape[2] // _BLOCK_BINS
    cut = field[:, : frames * _BLOCK_FRAMES, : bins * _BLOCK_BINS]
    apart = cut.reshape(4, frames, _BLOCK_FRAMES, bins, _BLOCK_BINS).transpose(1, 3, 0, 2, 4)
    blocks = apart.reshape(frames * bins, 4, _BLOCK_FRAMES * _BLOCK_BINS)
    return blocks @ blocks.conj().transpose(0, 2, 1), np.tile(np.arange(bins), frames)
