"""A picture of a whole recording without learning: from which azimuth how much sound came when."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int16

from salm.audio.intensity import UnitIntensity
from salm.audio.recording import Recording
from salm.audio.spectrum import Spectrum, spectrum

__all__ = ["FLOOR_DB", "direction_map"]

COLUMNS, ROWS = 480, 72
LEAST_STEP_S = 0.02
FLOOR_DB = -50
"""What is softer than this beside the loudest cell counts as this."""

HIGHEST_HZ = 8_000.0
"""Above this the capsules of microphones lie too far apart for directions."""

_WINDOW_S = 0.04
# Memory grows with this, not with the recording.
_PIECE_S = 20.0
# Bins that hold several sounds, or a room, point between them; the power makes those that hold one count.
_DIRECTNESS_POWER = 2.0


def direction_map(recording: Recording) -> dict[str, Any] | None:
    """Level by time and azimuth, in dB of the loudest cell; None for recordings whose channels hold no such thing.

    The intensity of every time-frequency bin points somewhere; its power, by how direct it is, goes to the azimuth.

    Returns
    -------
    dict
        ``step_s`` (time from one column to the next), ``azimuths_deg`` (centres of the rows, 180 down to -175),
        ``floor_db`` and ``level_db`` (one list a column, one whole number a row, `FLOOR_DB` to 0).
    """
    if recording.ambiguity is not None:
        return None
    step_s = max(LEAST_STEP_S, recording.duration_s / COLUMNS)
    hop = max(1, round(step_s * recording.rate_hz))
    power = np.concatenate([_powers(piece, recording.rate_hz) for piece in _pieces(recording, hop)])
    level_db = _levels(power[:, ::-1])
    return {
        "step_s": hop / recording.rate_hz,
        "azimuths_deg": [180.0 - 360.0 / ROWS * row for row in range(ROWS)],
        "floor_db": FLOOR_DB,
        "level_db": level_db.tolist(),
    }


def _pieces(recording: Recording, hop: int) -> Iterator[torch.Tensor]:
    """Columns of ``hop`` samples each, some at a time; the last is filled with zeros."""
    count = math.ceil(recording.samples.shape[1] / hop)
    at_once = max(1, round(_PIECE_S * recording.rate_hz / hop))
    for start in range(0, count, at_once):
        stop = min(start + at_once, count)
        part = torch.from_numpy(recording.samples[:, start * hop : stop * hop])
        whole = torch.nn.functional.pad(part, (0, (stop - start) * hop - part.shape[1]))
        yield whole.reshape(4, stop - start, hop).transpose(0, 1)


def _powers(columns: torch.Tensor, rate_hz: int) -> Float64[np.ndarray, "column row"]:
    """Power of every column by azimuth, the azimuths going up from -175 to 180."""
    n_fft = 1 << max(4, round(math.log2(_WINDOW_S * rate_hz)))
    short = max(0, n_fft - columns.shape[2])
    field = spectrum(torch.nn.functional.pad(columns, (0, short)), n_fft=n_fft, hop=n_fft // 2)
    heard = slice(0, max(1, round(HIGHEST_HZ / rate_hz * n_fft)))
    unit = UnitIntensity.of(Spectrum(field.real[..., heard], field.imaginary[..., heard]))
    y, _, x = unit.vectors.unbind(1)
    row = torch.remainder(torch.round(torch.atan2(y, x) * (ROWS / math.tau)).long() + ROWS // 2 - 1, ROWS)
    # A bin that points up has no azimuth; one that leans up has less of one.
    weight = unit.power[:, 0] * unit.directness**_DIRECTNESS_POWER * torch.hypot(x, y)
    sums = torch.zeros(len(columns), ROWS, dtype=torch.float64)
    sums.scatter_add_(1, row.flatten(1), weight.flatten(1).double())
    power: Float64[np.ndarray, "column row"] = sums.numpy()
    return power


def _levels(power: Float64[np.ndarray, "column row"]) -> Int16[np.ndarray, "column row"]:
    loudest = float(power.max(initial=0.0))
    if loudest == 0.0:
        return np.full(power.shape, FLOOR_DB, np.int16)
    level_db = 10 * np.log10(power / loudest + 1e-30)
    return np.asarray(np.maximum(level_db, FLOOR_DB).round(), np.int16)
