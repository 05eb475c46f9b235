"""Recordings as the page hears them: AmbiX in WAV, and the filters of a head at its rate."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import soundfile

from salm.audio.binaural import ear_filters
from salm.audio.decoding import system_name
from salm.audio.recording import Recording, read
from salm.errors import InputError
from salm.web.limits import Limits
from salm.web.uploads import check_length

__all__ = ["ambix_wav", "excerpt", "head"]


def ambix_wav(recording: Recording) -> bytes:
    """A WAV file of W, Y, Z, X in 32-bit floating point."""
    file = io.BytesIO()
    soundfile.write(file, recording.samples.T, recording.rate_hz, format="WAV", subtype="FLOAT")
    return file.getvalue()


def excerpt(path: Path, limits: Limits, *, start_s: float, end_s: float | None) -> Recording:
    """A part of a file of any length, or all of one that is not too long.

    Raises
    ------
    InputError
        If the file cannot be read, the part is longer than a recording may be, or there is none.
    """
    if end_s is None and start_s == 0.0:
        check_length(path, limits)
        return read(path)
    if end_s is None or not 0.0 <= start_s < end_s or end_s - start_s > limits.max_s:
        raise InputError(f"a part goes from start_s to a later end_s and is at most {limits.max_s:g} s long.")
    with TemporaryDirectory(prefix="salm-part-") as folder:
        # A file of the same kind, so that `read` knows what its channels are.
        part = Path(folder) / path.name
        try:
            with soundfile.SoundFile(system_name(path)) as file:
                file.seek(min(round(start_s * file.samplerate), file.frames))
                samples = file.read(round((end_s - start_s) * file.samplerate), dtype="float32", always_2d=True)
                soundfile.write(system_name(part), samples, file.samplerate, format="WAV", subtype="FLOAT")
        except (soundfile.LibsndfileError, OSError) as error:
            raise InputError(f"{path.name} can no longer be read; index its folder again.") from error
        try:
            return read(part)
        except InputError as error:
            raise InputError(str(error).replace(str(part), path.name)) from error


def head(rate_hz: int) -> dict[str, Any]:
    """Filters from W, Y, Z, X to the left ear; those to the right ear are the same with Y's negated."""
    filters, lead = ear_filters(rate_hz)
    return {"rate_hz": rate_hz, "lead_samples": lead, "left": filters.astype(float).round(9).tolist()}
