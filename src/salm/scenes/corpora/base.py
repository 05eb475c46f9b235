"""What every corpus of dry sounds offers: a table of sounds, and the audio of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from salm.errors import InputError

__all__ = ["PEAK_DBFS", "Corpus", "Sound", "check_known", "peak_normalised"]

PEAK_DBFS = -3.0
"""Level of the largest sample of every sound that a corpus hands out, in dB relative to full scale."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One dry mono sound: what it is, and what may be done with it."""

    id: str
    """Unique within its corpus."""
    captions: tuple[str, ...]
    """Sentences that describe it, without place words; at least one, the main caption first."""
    duration_s: float
    """In seconds; what is typical where a corpus does not open its files to look."""
    category: str = ""
    """AudioSet-ontology style name of what sounds; empty if not known."""
    split: str = "train"
    """``train``, ``val`` or ``test``."""
    group: str = ""
    """Recording or session it was cut from: no group is in two splits."""
    licence: str = ""
    licence_class: str = ""
    """What the licence allows, such as ``permissive``; empty if not known."""
    attribution: str = ""
    """Whom the licence asks to name."""

    @property
    def caption(self) -> str:
        """The main caption."""
        return self.captions[0]


class Corpus(Protocol):
    """A table of sounds, and the audio of each on demand."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds, in a fixed order."""

    def audio(self, sound_id: str, *, rate_hz: int = 24_000) -> Float32[np.ndarray, " time"]:
        """Samples of one sound, its peak at :data:`PEAK_DBFS`; the same call gives the same samples.

        Raises
        ------
        InputError
            If the corpus has no such sound, or its audio cannot be read.
        """


def check_known(what: str, value: str, known: Iterable[str], *, corpus: str) -> None:
    """Refuse a value that sounds are selected by if none of them has it.

    Raises
    ------
    InputError
        If it is none of the known ones; the message lists a dozen, since free text can have thousands of values.
    """
    names = sorted(set(known))
    if value not in names:
        listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        raise InputError(f"no sound of the corpus {corpus} has the {what} {value!r}; there is {listed or 'none'}.")


def peak_normalised(samples: Float32[np.ndarray, " time"]) -> Float32[np.ndarray, " time"]:
    """Signal scaled until its largest sample is at :data:`PEAK_DBFS`; silence and the empty signal stay as they are."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0:
        return samples
    return samples * np.float32(10 ** (PEAK_DBFS / 20) / peak)
