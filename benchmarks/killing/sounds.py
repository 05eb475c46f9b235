"""Recordings to work on."""

from pathlib import Path

import numpy as np
import soundfile

from salm.audio.formats import encode_plane_wave

RATE_HZ = 24_000

AMBIX = ["--format", "ambix"]
"""What they are, so that nobody has to listen for it, which takes longer than the commands themselves."""


def sound(path: Path, *, seconds: float, seed: int, azimuth_deg: float = 90.0) -> Path:
    """Write noise from one direction, in bursts, so that there is something to find."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    noise *= np.sin(np.pi * np.arange(len(noise)) / RATE_HZ) ** 4 > 0.2
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, encode_plane_wave(noise.astype(np.float32), azimuth_deg, 0.0).T, RATE_HZ, subtype="PCM_16")
    return path
