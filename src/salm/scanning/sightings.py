"""Where sound comes from in every tenth of a second, without learning: the places that many bins agree on.

Each time-frequency bin votes for the direction of its intensity, with the weight that the onset-weighted direction
gives it (`salm.audio.intensity`). What is found on the sphere are caps of 20 degrees around the densest places that
hold more of the votes than an even spread would put there by chance. Several sounds at once are several such places, as
long as they do not fill the same bins; echoes fill many bins of their own, each from elsewhere.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from salm.audio.intensity import PEAK_DECAY_S, UnitIntensity, onset_weights
from salm.audio.recording import Layout
from salm.audio.spectrum import Spectrum, spectrum
from salm.frame import unit_vector

__all__ = ["CAP_DEG", "TICK_S", "Sighting", "Sightings", "Tick"]

TICK_S = 0.1
"""Time from answer to answer, that of the frames of DCASE's tables."""
CAP_DEG = 20.0
"""Half angle of the caps that votes are counted in."""

_FRAMES_A_TICK = 5
_TICKS_A_PIECE = 50
_WINDOW_S = 0.043
# Below, wind and handling noise move all four channels of microphones as sound does not.
_LOWEST_HZ = 100.0
_MOST_AT_ONCE = 3
# Caps of what was found do not overlap, and what is left of its flanks is not found again.
_APART_DEG = 2 * CAP_DEG
_CELL_DEG = 10.0
_TINY = 1e-30


class Sighting(NamedTuple):
    """A place that sound comes from."""

    vector: Float[np.ndarray, " 3"]
    """Unit vector x, y, z."""
    share: float
    """How much of the tick's votes lies in its cap, 0 to 1."""
    by_chance: float
    """The share that the fullest cap would hold of as many votes from everywhere alike."""


class Tick(NamedTuple):
    """What one tenth of a second holds."""

    level_db: float
    """Mean level of W, in dB of full scale."""
    sightings: tuple[Sighting, ...]
    """The fullest first."""


class Sightings:
    """Ticks of samples that come in blocks; the same ticks whatever the blocks are."""

    def __init__(self, *, rate_hz: int, layout: Layout) -> None:
        self._hop = round(TICK_S / _FRAMES_A_TICK * rate_hz)
        self._n_fft = 1 << max(4, round(np.log2(_WINDOW_S * rate_hz)))
        self._margin = -(-self._n_fft // 2 // self._hop) * self._hop
        self._first_bin = int(np.ceil(_LOWEST_HZ * self._n_fft / rate_hz))
        self._layout = layout
        self._kept = np.zeros((4, 0), np.float32)
        self._before = 0
        self._peak: Float[Tensor, "1 bin"] | None = None

    @property
    def tick_samples(self) -> int:
        """Samples of a tick."""
        return self._hop * _FRAMES_A_TICK

    def of(self, samples: Float32[np.ndarray, "4 time"]) -> Iterator[Tick]:
        """Ticks that are whole with these samples."""
        self._kept = np.concatenate([self._kept, samples], axis=1)
        size = _TICKS_A_PIECE * self.tick_samples
        while self._kept.shape[1] >= self._before + size + self._margin:
            yield from self._piece(self._kept[:, : self._before + size + self._margin], _TICKS_A_PIECE)
            self._kept = self._kept[:, self._before + size - self._margin :]
            self._before = self._margin

    def rest(self) -> Iterator[Tick]:
        """Ticks of what is left, when there are no more samples; the last may be made of less than a tick."""
        left = self._kept.shape[1] - self._before
        if left > 0:
            ticks = -(-left // self.tick_samples)
            missing = ticks * self.tick_samples - left + self._margin
            yield from self._piece(np.pad(self._kept, ((0, 0), (0, missing))), ticks)

    def _piece(self, samples: Float32[np.ndarray, "4 time"], ticks: int) -> Iterator[Tick]:
        heard = samples[0, self._before : self._before + ticks * self.tick_samples].reshape(ticks, -1)
        levels_db = 10 * np.log10(np.square(heard, dtype=np.float64).mean(axis=1) + _TINY)
        found = self._places(samples, ticks) if self._layout == "foa" else [_SOMEWHERE] * ticks
        return (Tick(float(level_db), places) for level_db, places in zip(levels_db, found, strict=True))

    def _places(self, samples: Float32[np.ndarray, "4 time"], ticks: int) -> list[tuple[Sighting, ...]]:
        start, frames = self._before // self._hop, ticks * _FRAMES_A_TICK
        field = spectrum(torch.from_numpy(np.ascontiguousarray(samples))[None], n_fft=self._n_fft, hop=self._hop)
        field = Spectrum(*(part[:, :, start : start + frames, self._first_bin :] for part in field))
        unit = UnitIntensity.of(field)
        weights = self._weights(unit)[0].reshape(ticks, -1)
        vectors = unit.vectors[0].reshape(3, ticks, -1)
        return _densest(weights.numpy(), vectors.numpy()[[2, 0, 1]])

    def _weights(self, unit: UnitIntensity) -> Float[Tensor, "1 frame bin"]:
        """Onset weights that remember the peaks of the pieces before: as one more frame, of the decayed peak."""
        hop_s = TICK_S / _FRAMES_A_TICK
        if self._peak is None:
            weights, power = onset_weights(unit, hop_s=hop_s), unit.power[0, 0]
        else:
            past = torch.zeros_like(unit.power[:, :, :1])
            past[:, 0] = self._peak
            unit = UnitIntensity(
                torch.cat([past, unit.power], dim=2), unit.vectors, torch.cat([past[:, 1], unit.directness], dim=1)
            )
            weights, power = onset_weights(unit, hop_s=hop_s)[:, 1:], unit.power[0, 0]
        age_s = hop_s * torch.arange(len(power) - 1, -1, -1)
        self._peak = (power * torch.exp(-age_s / PEAK_DECAY_S)[:, None]).amax(dim=0, keepdim=True)
        return weights


def _grid() -> tuple[Float[np.ndarray, "cell 3"], Float32[np.ndarray, "cell cell"]]:
    """Centres of cells of ten by ten degrees, and how much what is in one counts at another."""
    azimuths = np.arange(_CELL_DEG / 2 - 180, 180, _CELL_DEG)
    elevations = np.arange(_CELL_DEG / 2 - 90, 90, _CELL_DEG)
    centres = unit_vector(*np.meshgrid(azimuths, elevations)).reshape(-1, 3)
    # One half at the edge of a cap.
    sharpness = np.log(2) / (1 - np.cos(np.deg2rad(CAP_DEG)))
    return centres, np.exp(sharpness * (centres @ centres.T - 1)).astype(np.float32)


_CENTRES, _NEARNESS = _grid()
_EVEN = (1 - np.cos(np.deg2rad(CAP_DEG))) / 2
_SOMEWHERE = (Sighting(np.array([1.0, 0.0, 0.0]), 1.0, _EVEN),)


def _densest(
    weights: Float32[np.ndarray, "tick vote"], vectors: Float32[np.ndarray, "3 tick vote"]
) -> list[tuple[Sighting, ...]]:
    """Caps of every tick that hold more votes than by chance, the fullest first."""
    ticks, cells = len(weights), len(_CENTRES)
    where = _cell(vectors) + cells * np.arange(ticks)[:, None]
    flat = where.ravel()
    votes, *sums = (
        np.bincount(flat, values.ravel(), ticks * cells).reshape(ticks, cells)
        for values in (weights, *(weights * axis for axis in vectors))
    )
    total = votes.sum(axis=1)
    independent = np.square(total) / np.maximum(np.square(weights, dtype=np.float64).sum(axis=1), _TINY)
    by_chance = _EVEN + 5 * np.sqrt(_EVEN / np.maximum(independent, 1.0))
    found: list[list[Sighting]] = [[] for _ in range(ticks)]
    for _ in range(_MOST_AT_ONCE):
        centre = (votes.astype(np.float32) @ _NEARNESS).argmax(axis=1)
        cosines = _CENTRES[centre] @ _CENTRES.T
        near = cosines > np.cos(np.deg2rad(CAP_DEG))
        mean = np.stack([(part * near).sum(axis=1) for part in sums], axis=1)
        length = np.linalg.norm(mean, axis=1)
        share = (votes * near).sum(axis=1) / np.maximum(total, _TINY)
        for tick in np.flatnonzero((share > by_chance) & (length > 0)):
            vector = mean[tick] / length[tick]
            found[tick].append(Sighting(vector, float(share[tick]), float(by_chance[tick])))
        far = cosines < np.cos(np.deg2rad(_APART_DEG))
        votes, sums = votes * far, [part * far for part in sums]
    return [tuple(places) for places in found]


def _cell(vectors: Float32[np.ndarray, "3 tick vote"]) -> Int[np.ndarray, "tick vote"]:
    x, y, z = vectors
    across, up = round(360 / _CELL_DEG), round(180 / _CELL_DEG)
    column = ((np.arctan2(y, x) + np.pi) * (across / (2 * np.pi))).astype(np.int64) % across
    row = ((np.arcsin(np.clip(z, -1, 1)) + np.pi / 2) * (up / np.pi)).astype(np.int64).clip(0, up - 1)
    return np.asarray(row * across + column)
