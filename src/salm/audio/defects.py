"""What is wrong with the channels of a recording, whatever their format."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

__all__ = ["Defect", "find_defects", "identical_pairs", "silent_channels"]

Channels = Float32[np.ndarray, "channel time"]

_DEAD_DB = -80.0
_SAME = 1e-4
_CLIPPED_IN_A_ROW = 3
_FULL_SCALE = 0.9995
_DC_DB = -40.0
_TOO_LOW_DB = -60.0


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing that is wrong."""

    kind: str
    """`silent`, `dead`, `identical`, `clipped`, `offset`, `faint` or `short`."""
    text: str
    """A sentence; channels are counted from one."""


def find_defects(samples: Channels) -> tuple[Defect, ...]:
    """Silence, dead and identical channels, clipping, an offset, a level that is too low."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return (Defect(kind="silent", text="All channels are silent."),)
    found = []
    if dead := silent_channels(samples):
        found.append(Defect(kind="dead", text=f"{_named(dead)} dead: over {-_DEAD_DB:.0f} dB below the loudest."))
    pairs = identical_pairs(samples)
    if pairs:
        listed = ", ".join(f"{a + 1} and {b + 1}" for a, b in pairs[:6]) + (" ..." if len(pairs) > 6 else "")
        found.append(Defect(kind="identical", text=f"Channels are the same signal: {listed}."))
    if clipped := _clipped(samples):
        text = f"Clipped: {clipped} samples stand at full scale, {_CLIPPED_IN_A_ROW} or more in a row."
        found.append(Defect(kind="clipped", text=text))
    offset = _offsets_db(samples)
    if shifted := np.flatnonzero(offset > _DC_DB).tolist():
        worst = float(offset.max())
        found.append(Defect(kind="offset", text=f"{_named(shifted)} offset from zero, by up to {worst:.0f} dBFS."))
    peak_db = 20 * float(np.log10(peak))
    if peak_db < _TOO_LOW_DB:
        found.append(Defect(kind="faint", text=f"Very faint: the highest peak is {peak_db:.0f} dB of full scale."))
    return tuple(found)


def silent_channels(samples: Channels) -> list[int]:
    """Channels that hold nothing, or next to nothing, beside the loudest; from zero."""
    power = _variances(samples)
    return np.flatnonzero(power <= power.max() * 10 ** (_DEAD_DB / 10)).tolist()


def identical_pairs(samples: Channels) -> list[tuple[int, int]]:
    """Pairs of channels that hold the same signal at the same level, dead ones aside; from zero."""
    dead, power = set(silent_channels(samples)), _variances(samples)
    alive = [channel for channel in range(len(samples)) if channel not in dead]
    return [
        (a, b)
        for index, a in enumerate(alive)
        for b in alive[index + 1 :]
        if abs(power[a] - power[b]) <= 0.01 * power[a]
        and float(np.var(samples[a] - samples[b], dtype=np.float64)) <= _SAME**2 * power[a]
    ]


def _variances(samples: Channels) -> Float64[np.ndarray, " channel"]:
    return np.asarray([np.var(channel, dtype=np.float64) for channel in samples])


def _clipped(samples: Channels) -> int:
    """Samples at full scale, of one sign, in runs."""
    count = 0
    for channel in samples:
        for flat in (channel >= _FULL_SCALE, channel <= -_FULL_SCALE):
            edges = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0, append=0))
            lengths = edges[1::2] - edges[::2]
            count += int(lengths[lengths >= _CLIPPED_IN_A_ROW].sum())
    return count


def _offsets_db(samples: Channels) -> Float64[np.ndarray, " channel"]:
    # Rumble has a mean as well, but not the same one in each quarter.
    parts = np.array_split(samples, min(4, samples.shape[1]), axis=1)
    quarters = np.stack([part.mean(axis=1, dtype=np.float64) for part in parts])
    steady = np.abs(np.sign(quarters).sum(axis=0)) == len(quarters)
    means = np.where(steady, np.abs(quarters).min(axis=0), 0.0)
    return np.asarray(20 * np.log10(np.maximum(means, 1e-12)))


def _named(channels: list[int]) -> str:
    listed = ", ".join(str(channel + 1) for channel in channels)
    return f"Channel {listed} is" if len(channels) == 1 else f"Channels {listed} are"
