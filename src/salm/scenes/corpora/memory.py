"""Sounds that are kept once they were decoded or rendered."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float16, Float32

__all__ = ["SoundMemory"]


class SoundMemory:
    """What a function of id and rate gave, kept as float16: about 170 MB an hour at 24 kHz.

    Samples are rounded to 11 bits, on the first call too.
    """

    def __init__(self, audio: Callable[..., Float32[np.ndarray, " time"]]) -> None:
        self._audio = audio
        self._kept: dict[tuple[str, int], Float16[np.ndarray, " time"]] = {}

    def __call__(self, sound_id: str, *, rate_hz: int) -> Float32[np.ndarray, " time"]:
        """Samples of one sound."""
        if (sound_id, rate_hz) not in self._kept:
            self._kept[sound_id, rate_hz] = self._audio(sound_id, rate_hz=rate_hz).astype(np.float16)
        return self._kept[sound_id, rate_hz].astype(np.float32)
