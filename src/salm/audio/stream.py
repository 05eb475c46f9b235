"""Recordings of any length, a block at a time: the samples of `salm.audio.recording.read`, never all at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from jaxtyping import Float32

from salm.audio.decoding import BLOCK, Decoder
from salm.audio.door import identify
from salm.audio.recording import AMBIGUITY
from salm.errors import InputError

__all__ = ["Stream"]

# A resampler holds back some hundred samples, which become so many times as many.
_MOST_TIMES = 1000


class Stream:
    """A file as AmbiX at a rate; to be used in a ``with`` block, and to be gone through once.

    The blocks, one after the other, are the samples of `salm.audio.recording.read` and
    `salm.audio.recording.resample`, bit for bit, whatever the size of the blocks.

    Parameters
    ----------
    path, layout
        As for `salm.audio.recording.read`.
    rate_hz
        Rate of the blocks.
    block_samples
        Samples of the file that are read at once.

    Raises
    ------
    InputError
        If the file cannot be read, as `salm.audio.recording.read` says it, its rate is far too low, or it is of a
        microphone array, which has to be converted as a whole first.
    """

    def __init__(
        self, path: str | Path, *, rate_hz: int, layout: str | None = None, block_samples: int = BLOCK
    ) -> None:
        self._path, self._block_samples = Path(path), block_samples
        self._known = identify(path, layout=layout)
        if not self._known.by_blocks:
            raise InputError(
                f"{path} is {self._known.layout}, which is converted as a whole: write it as AmbiX first, with "
                "salm doctor FILE --write OUT."
            )
        self._file = Decoder(self._path)
        if rate_hz > _MOST_TIMES * self._file.rate_hz:
            self._file.__exit__()
            raise InputError(f"{path} is at {self._file.rate_hz} Hz, too low to be scanned; mend its header.")
        self.rate_hz = rate_hz
        self.layout = self._known.holds
        """What the file is: `foa`, `stereo` or `mono`."""
        resampled = f"Resampled from {self._file.rate_hz} to {rate_hz} Hz."
        self._notes = (*self._known.notes, *((resampled,) if self._file.rate_hz != rate_hz else ()))

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.__exit__()

    @property
    def ambiguity(self) -> str | None:
        """What its channels cannot tell of a direction: None, ``front-back`` or ``all``."""
        return AMBIGUITY[self.layout]

    @property
    def promised_s(self) -> float:
        """Length in seconds by the header; a file that is cut short has less."""
        return self._file.promised / self._file.rate_hz

    @property
    def read_s(self) -> float:
        """Seconds that were read so far."""
        return self._file.read / self._file.rate_hz

    @property
    def notes(self) -> tuple[str, ...]:
        """What was converted or, known after the last block, found missing; in sentences."""
        return (*self._file.notes, *self._notes)

    def __iter__(self) -> Iterator[Float32[np.ndarray, "4 time"]]:
        """Blocks of different lengths.

        Raises
        ------
        InputError
            If the file holds nothing, or what is no number.
        """
        # At a low rate a block would become one of many times its length.
        most = max(1, BLOCK * self._file.rate_hz // self.rate_hz)
        checked = map(self._checked, self._file.blocks(min(self._block_samples, most)))
        yield from checked if self._file.rate_hz == self.rate_hz else self._resampled(checked)

    def _checked(self, block: Float32[np.ndarray, "time channel"]) -> Float32[np.ndarray, "4 time"]:
        samples = self._known.to_ambix(block.T, self._file.rate_hz)
        finite = np.isfinite(samples).all(axis=0)
        if not finite.all():
            first_s = (self._file.read - len(block) + int(np.argmin(finite))) / self._file.rate_hz
            raise InputError(f"{self._path} holds samples that are no numbers, the first at {first_s:.3f} s; mend it.")
        return samples

    def _resampled(self, blocks: Iterator[Float32[np.ndarray, "4 time"]]) -> Iterator[Float32[np.ndarray, "4 time"]]:
        resampler = soxr.ResampleStream(self._file.rate_hz, self.rate_hz, 4, dtype="float32")
        for block in blocks:
            if len(samples := resampler.resample_chunk(np.ascontiguousarray(block.T))):
                yield np.ascontiguousarray(samples.T)
        if len(samples := resampler.resample_chunk(np.zeros((0, 4), np.float32), last=True)):
            yield np.ascontiguousarray(samples.T)
