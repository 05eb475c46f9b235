"""Recordings: AmbiX samples with what is known of where they came from; reading and writing of audio files."""

import errno
import io
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from jaxtyping import Float32

from salm.audio.decoding import MOST_VALUES, decode, reason, system_name
from salm.errors import InputError
from salm.whole import written_whole

__all__ = ["AMBIGUITY", "WRITABLE", "Layout", "Recording", "flac_bytes", "read", "resample", "write"]

Layout = Literal["foa", "stereo", "mono"]
Subtype = Literal["PCM_24", "FLOAT"]

AMBIGUITY: dict[str, str | None] = {"foa": None, "stereo": "front-back", "mono": "all"}
"""What a recording with so many channels cannot tell of a direction: nothing is lost, front from back, everything."""

_CONTAINERS = {"wav": "WAV", "flac": "FLAC", "caf": "CAF", "w64": "W64", "rf64": "RF64", "aif": "AIFF", "aiff": "AIFF"}
_SUBTYPES: dict[str, Subtype] = {"FLAC": "PCM_24"}
_LARGEST_WAV = 2**32 - 2**16
_LEAST_BYTES = 2**16
# Integers of 32 bits that were never scaled are at 2e9; sums of squares beyond this are no numbers in 32-bit floats.
_LARGEST_SAMPLE = 1e12

WRITABLE = tuple(f".{suffix}" for suffix in _CONTAINERS)
"""Endings of files that can be written: FLAC in 24 bits, all others in 32-bit floating point."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """AmbiX samples (`salm.frame`), with the rate and the history that answers must take into account.

    Raises
    ------
    InputError
        If the samples are not four channels of finite float32 numbers, or the rate is not positive.
    """

    samples: Float32[np.ndarray, "4 time"]
    rate_hz: int
    layout: Layout = "foa"
    """What it was before: `foa`, `stereo` (Z and X are zero) or `mono` (Y, Z, X are zero)."""
    path: str | None = None
    """File it was read from."""
    notes: tuple[str, ...] = ()
    """What was converted or found missing, in sentences."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or len(self.samples) != 4 or self.samples.dtype != np.float32:
            raise InputError(
                f"samples are {self.samples.dtype} of shape {self.samples.shape} but must be float32 (4, time); "
                "salm.read converts files, salm.audio.formats arrays."
            )
        if self.rate_hz <= 0:
            raise InputError(f"rate_hz is {self.rate_hz} but must be positive.")
        where = self.path or "the recording"
        if self.samples.shape[1] == 0:
            raise InputError(f"{where} holds no samples.")
        finite = np.isfinite(self.samples).all(axis=0)
        if not finite.all():
            first_s = int(np.argmin(finite)) / self.rate_hz
            raise InputError(f"{where} holds samples that are no numbers, the first at {first_s:.3f} s; mend the file.")
        peak = float(np.abs(self.samples).max())
        if peak > _LARGEST_SAMPLE:
            raise InputError(
                f"{where} holds samples of {peak:.0e} times full scale, whose power is none; mend the file."
            )

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate_hz)

    @property
    def ambiguity(self) -> str | None:
        """What its channels cannot tell of a direction: None, ``front-back`` or ``all``."""
        return AMBIGUITY[self.layout]


def read(path: str | Path, *, layout: str | None = None) -> Recording:
    """A recording from any file that libsndfile reads: WAV, RF64, W64, FLAC, CAF, AIFF, Ogg, MP3.

    One channel is mono, two are stereo, four are first-order Ambisonics, and of 9, 16, ... (higher orders) and of six
    (with a head-locked pair) the first four are taken. What they are is stated, said by the header, or heard
    (`salm.audio.door`), and what was converted is noted. Where a file holds less than its header promises, what is
    there is read and noted.

    Parameters
    ----------
    layout
        One of `salm.audio.arrays.CHANNELS`, if that is known; None asks the header, and then the sound.

    Raises
    ------
    InputError
        If there is no such file, it is no audio or damaged, is empty, holds what is no number, or has a number of
        channels that means nothing here.
    """
    # The doctor listens with torch, which takes a second to import.
    from salm.audio.door import identify

    path = Path(path)
    known = identify(path, layout=layout)
    channels, rate_hz, notes, _ = decode(path)
    return Recording(
        samples=known.to_ambix(channels, rate_hz),
        rate_hz=rate_hz,
        layout=known.holds,
        path=str(path),
        notes=(*notes, *known.notes),
    )


def write(
    path: str | Path, samples: Float32[np.ndarray, "channel time"], rate_hz: int, *, subtype: Subtype | None = None
) -> float:
    """Write samples, lossless, under a temporary name first; the gain in dB that they were written with.

    The ending of the name decides the format (`WRITABLE`). Only integers, as in FLAC, can clip: if a sample is
    beyond full scale, all are written lower by what it takes. WAV files that would pass 4 GB become RF64.

    Parameters
    ----------
    subtype
        Format of the samples; None takes 24 bits for FLAC and floating point for all others.

    Raises
    ------
    InputError
        If the ending is unknown or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in _CONTAINERS:
        raise InputError(f"{path} cannot be written; its name must end in one of {', '.join(WRITABLE)}.")
    container = _CONTAINERS[suffix]
    subtype = subtype or _SUBTYPES.get(container, "FLOAT")
    if container == "WAV" and samples.nbytes > _LARGEST_WAV:
        container = "RF64"
    try:
        with written_whole(path) as part:
            try:
                return _encode(part, samples, rate_hz, container=container, subtype=subtype)
            except soundfile.LibsndfileError as error:
                # libsndfile does not say what the system said.
                if shutil.disk_usage(path.parent).free < _LEAST_BYTES:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path} cannot be written: {reason(error)}.") from error


def flac_bytes(samples: Float32[np.ndarray, "channel time"], rate_hz: int) -> tuple[bytes, float]:
    """The bytes of a FLAC file as `write` writes it, and the gain in dB; the same samples give the same bytes.

    Raises
    ------
    InputError
        If a sample is no number.
    """
    if not np.isfinite(samples).all():
        raise InputError("the recording holds samples that are no numbers.")
    file = io.BytesIO()
    gain_db = _encode(file, samples, rate_hz, container="FLAC", subtype=_SUBTYPES["FLAC"])
    return file.getvalue(), gain_db


def resample(recording: Recording, rate_hz: int) -> Recording:
    """The recording at another rate, which is noted; itself if it has that rate already.

    Raises
    ------
    InputError
        If it would have more samples than are held at once: a small file at 1 Hz is hours of sound.
    """
    if recording.rate_hz == rate_hz:
        return recording
    if recording.samples.size / recording.rate_hz * rate_hz > MOST_VALUES:
        raise InputError(
            f"{recording.path or 'the recording'} is {recording.duration_s / 3600:.1f} h long, more than fits into "
            f"memory at {rate_hz} Hz; salm scan reads recordings of any length, and everything else a part of it."
        )
    samples: Float32[np.ndarray, "time 4"] = soxr.resample(recording.samples.T, recording.rate_hz, rate_hz)
    if not len(samples):
        # Shorter than one sample of the new rate: the filter would leave nothing.
        samples = recording.samples.T[:1]
    note = f"Resampled from {recording.rate_hz} to {rate_hz} Hz."
    return replace(recording, samples=np.ascontiguousarray(samples.T), rate_hz=rate_hz, notes=(*recording.notes, note))


def _encode(
    file: Path | io.BytesIO, samples: Float32[np.ndarray, "channel time"], rate_hz: int, *, container: str, subtype: str
) -> float:
    peak = float(np.abs(samples).max(initial=0.0))
    gain = 1 / peak if subtype == "PCM_24" and peak > 1 else 1.0
    name = system_name(file) if isinstance(file, Path) else file
    soundfile.write(name, samples.T * np.float32(gain), rate_hz, format=container, subtype=subtype)
    return 20 * float(np.log10(gain))
