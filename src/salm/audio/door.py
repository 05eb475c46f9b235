"""The door for files: what their channels are, before anything is looked for in them.

What a person states is so, and what the header says is believed. Where both leave it open, the doctor listens to some
seconds of the file (`salm.audio.doctor`), and

- AmbiX is read as it stands, without a word;
- another format is converted if that is at least `SURE_ENOUGH`, and a sentence says so;
- anything less sure is read as AmbiX, and if that is unlikely, a sentence says what it may be; so are channels that are
  surely no Ambisonics at all, as those of four loudspeakers;
- copies of one channel are mono.

The order of X, Y and Z is never taken from the sound: it is the format's own, and FuMa's W X Y Z goes with its level.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from salm.audio.arrays import CHANNELS, to_foa
from salm.audio.decoding import counted_channels, header_text, opened
from salm.audio.doctor import HEAD_BYTES, TITLES, Diagnosis, Hint, diagnose, header_hint
from salm.audio.formats import LAYOUTS, from_mono, from_stereo
from salm.audio.recording import Layout
from salm.errors import InputError

__all__ = ["LIKELY", "SURELY_NONE", "SURE_ENOUGH", "FileFormat", "identify"]

SURE_ENOUGH = 0.97
"""Least probability at which a file is converted for its sound alone."""
LIKELY = 0.7
"""Least probability at which a file that is read as AmbiX all the same is said to be in another format."""
SURELY_NONE = 0.97
"""Least probability at which a file that is read as AmbiX is said to be none; mixes of several sounds reach 0.8."""

# Places all over a long file, as its first seconds may hold nothing but the recordist.
_PLACES, _PLACE_S = 4, 2.5
# In less there is too little to hear what it is, only that it is copies.
_LEAST_S = 0.5
_CAPSULES = {"a-format": 4, "dcase-mic": 4, "em32": 32}

Channels = Float32[np.ndarray, "channel time"]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """What the channels of a file are, and how that is known."""

    layout: str
    """One of `salm.audio.arrays.CHANNELS`, ``stereo`` or ``mono``."""
    source: str
    """`stated`, `header`, `name`, `sound`, `count` (mono and stereo) or `assumed`."""
    confidence: float | None
    """Probability by the sound and the name, 0 to 1; None where it was not asked."""
    order_from: str | None
    """What the order of channels is known from: the source, ``level`` of FuMa, or ``assumed``."""
    notes: tuple[str, ...] = ()
    """What is converted, left out, or cannot be known, in sentences."""

    @property
    def by_blocks(self) -> bool:
        """Whether a piece becomes AmbiX whatever is around it; microphone arrays need the whole."""
        return self.layout not in _CAPSULES

    @property
    def holds(self) -> Layout:
        """What can be told from it: ``foa``, ``stereo`` or ``mono``."""
        return {"mono": "mono", "stereo": "stereo"}.get(self.layout, "foa")  # type: ignore[return-value]

    # What is no number, and sums that are beyond all numbers, are named by who reads them.
    @np.errstate(invalid="ignore", over="ignore")
    def to_ambix(self, samples: Channels, rate_hz: int) -> Float32[np.ndarray, "4 time"]:
        """Channels of the file as AmbiX; of microphone arrays the whole file at once, as they need long filters."""
        if self.layout == "mono":
            loudest = int(np.argmax(np.abs(samples).max(axis=1, initial=0.0)))
            return from_mono(samples[loudest : loudest + 1])
        if self.layout == "stereo":
            return from_stereo(samples)
        return to_foa(samples[:4] if self.layout in LAYOUTS else samples, self.layout, rate_hz=rate_hz)


def identify(path: str | Path, *, layout: str | None = None) -> FileFormat:
    """What the channels of a file are; of a long file some seconds are listened to, and no more is held in memory.

    Parameters
    ----------
    layout
        One of `salm.audio.arrays.CHANNELS`, if that is known.

    Raises
    ------
    InputError
        If the file cannot be read, or so many channels mean nothing here or cannot be what was stated.
    """
    path = Path(path)
    if layout is not None and layout not in CHANNELS:
        raise InputError(f"layout is {layout!r} but must be one of {', '.join(CHANNELS)}.")
    with opened(path) as file:
        channels, rate_hz = file.channels, file.samplerate
        if layout is not None:
            return _stated(path, layout, channels)
        if channels < 3:
            found = "mono" if channels == 1 else "stereo"
            return FileFormat(layout=found, source="count", confidence=None, order_from=None)
        if not (_is_ambisonics(channels) or channels in (6, 32)):
            raise _meaningless(path, channels)
        hint = _hint(path, file)
        if hint is not None and hint.source == "header" and _fits(hint.layout, channels):
            notes = _changed(hint.layout, channels)
            return FileFormat(layout=hint.layout, source="header", confidence=None, order_from="header", notes=notes)
        excerpt = _excerpt(file)
    if not np.isfinite(excerpt).all() or not excerpt.any():
        return _assumed(path, channels, None)
    return _by_sound(path, diagnose(excerpt, rate_hz, hint=hint), hint)


def _stated(path: Path, layout: str, channels: int) -> FileFormat:
    if not _fits(layout, channels):
        raise InputError(f"{path} has {counted_channels(channels)}, which cannot be {layout}; leave the layout out.")
    notes = _changed(layout, channels)
    return FileFormat(layout=layout, source="stated", confidence=None, order_from="stated", notes=notes)


def _by_sound(path: Path, found: Diagnosis, hint: Hint | None) -> FileFormat:
    sure = f"{found.confidence:.0%} sure"
    if found.layout == "mono" and "identical" in {defect.kind for defect in found.defects}:
        note = f"All of its {counted_channels(found.channels)} hold the same: it is mono in disguise ({sure})."
        return FileFormat(layout="mono", source="sound", confidence=found.confidence, order_from=None, notes=(note,))
    if found.duration_s < _LEAST_S:
        return _assumed(path, found.channels, None)
    if found.layout not in CHANNELS:
        return _assumed(path, found.channels, found)
    if found.layout != "ambix" and found.confidence < SURE_ENOUGH:
        return _assumed(path, found.channels, found)
    source = "name" if hint is not None and hint.layout == found.layout else "sound"
    notes = _left_out(found.layout, found.channels)
    if found.layout != "ambix":
        how = "name and its sound" if source == "name" else "sound"
        said = (
            f"By its {how} it is {TITLES[found.layout]} ({sure}), in the order {found.channel_order} "
            f"({found.channel_order_from}), and was converted to AmbiX; --format states what it is."
        )
        notes = (said, *notes)
    return FileFormat(
        layout=found.layout,
        source=source,
        confidence=found.confidence,
        order_from=found.channel_order_from,
        notes=notes,
    )


def _assumed(path: Path, channels: int, found: Diagnosis | None) -> FileFormat:
    """AmbiX for want of anything better; what else it may be is said."""
    if not _is_ambisonics(channels):
        raise _meaningless(path, channels)
    notes: tuple[str, ...] = ()
    if found is not None and found.layout == "unknown" and found.confidence >= SURELY_NONE:
        notes = (
            f"By its sound it is no Ambisonics ({found.confidence:.0%} sure), but may be for loudspeakers. It was read "
            "as AmbiX, and directions in it may mean nothing: state with --format what it is, or ask salm doctor.",
        )
    elif found is not None and found.layout in CHANNELS and found.confidence >= LIKELY:
        notes = (
            f"By its sound it may be {TITLES[found.layout]} ({found.confidence:.0%} sure), but it was read as AmbiX: "
            "state with --format what it is, or ask salm doctor.",
        )
    confidence = None if found is None else found.alternatives.get("ambix")
    notes = (*notes, *_left_out("ambix", channels))
    return FileFormat(layout="ambix", source="assumed", confidence=confidence, order_from="assumed", notes=notes)


def _is_ambisonics(channels: int) -> bool:
    return channels >= 4 and int(np.sqrt(channels)) ** 2 == channels


def _fits(layout: str, channels: int) -> bool:
    if layout in LAYOUTS:
        return _is_ambisonics(channels) or channels == 6
    return channels == _CAPSULES[layout]


def _meaningless(path: Path, channels: int) -> InputError:
    return InputError(
        f"{path} has {counted_channels(channels)}; recordings are mono, stereo or Ambisonics with 4, 9, 16, ... "
        "channels."
    )


def _changed(layout: str, channels: int) -> tuple[str, ...]:
    names = {"fuma": "FuMa", "n3d": "N3D"}
    converted = () if layout == "ambix" else (f"Converted from {names.get(layout, layout)} to AmbiX.",)
    return (*converted, *_left_out(layout, channels))


def _left_out(layout: str, channels: int) -> tuple[str, ...]:
    if layout not in LAYOUTS or channels == 4:
        return ()
    if channels == 6:
        return ("The head-locked pair after the first four channels is left out.",)
    return (f"Only the first order of {counted_channels(channels)} is used.",)


def _hint(path: Path, file: soundfile.SoundFile) -> Hint | None:
    with path.open("rb") as raw:
        return header_hint(path, header_text(file), raw.read(HEAD_BYTES))


def _excerpt(file: soundfile.SoundFile) -> Channels:
    """Some seconds: all of a short file, places all over a long one, what can be reached of one that is cut short."""
    size = round(_PLACE_S * file.samplerate)
    starts = [0]
    if file.frames > _PLACES * size:
        starts = [round(place * (file.frames - size) / (_PLACES - 1)) for place in range(_PLACES)]
    blocks = []
    # Reading says what is wrong with a file that is cut short.
    with suppress(soundfile.LibsndfileError):
        for start in starts:
            file.seek(start)
            blocks.append(file.read(size if len(starts) > 1 else _PLACES * size, dtype="float32", always_2d=True))
    samples = np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)
    return np.ascontiguousarray(samples.T)
