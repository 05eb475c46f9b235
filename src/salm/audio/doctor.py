"""What a recording is: Ambisonics in which format, a microphone's raw signals, stereo, mono, or none of these.

The number of channels leaves few formats, and each of them says how W balances against X, Y and Z (`_balance`). Every
candidate is tried out: the channels are converted by it, and where it is the right one the result keeps the balance of
AmbiX. How well it does, and what the header says, make its probability, beside that of "none of them".

The order of X, Y and Z is beyond this: any order of them is some turned or mirrored sound field. It is known from the
header, from FuMa's level (W 3 dB down, in the order W X Y Z), or from whoever says it; otherwise it is assumed.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from salm.audio._balance import Balance, balance, likeness
from salm.audio.arrays import CHANNELS, to_foa
from salm.audio.decoding import decode
from salm.audio.defects import Defect, find_defects, identical_pairs, silent_channels
from salm.errors import InputError

__all__ = ["HEAD_BYTES", "TITLES", "Diagnosis", "Hint", "converted", "diagnose", "diagnose_file", "header_hint"]

Channels = Float32[np.ndarray, "channel time"]

_ORDERS = {
    "ambix": "W Y Z X",
    "n3d": "W Y Z X",
    "fuma": "W X Y Z",
    "a-format": "FLU FRD BLD BRU",
    "dcase-mic": "FLU FRD BLD BRU",
    "em32": "1 to 32",
}
TITLES = {
    "ambix": "AmbiX (SN3D)",
    "n3d": "Ambisonics in N3D",
    "fuma": "FuMa B-format",
    "a-format": "A-format of a tetrahedral microphone",
    "dcase-mic": "the mic format of DCASE (four capsules on a rigid sphere)",
    "em32": "raw signals of an Eigenmike em32",
    "stereo": "stereo",
    "mono": "mono",
    "unknown": "none of the formats that are known here",
}
"""Layouts in words."""
_USUAL = {"ambix": 1.0, "n3d": 0.3, "fuma": 0.7, "a-format": 0.5, "dcase-mic": 0.3, "em32": 1.0, "unknown": 0.5}
_AMBISONICS = ("ambix", "n3d", "fuma")
_SPHERES = ("dcase-mic", "em32")
_FOUR = (*_AMBISONICS, "a-format", "dcase-mic")

# Error of the balance, which real microphones miss by some tenths of a decibel, and what none of the formats reaches.
_BALANCE_DB = 0.5
_WORST = 6.0
_LEAST_SPREAD = 0.1
_LEAST_IN_PHASE = 0.5
# Below 300 Hz capsules of one sphere are alike to a few hundredths; other formats are so for few directions only.
_ALIKE = 0.9
_NOT_A_SPHERE = 30.0
_A_SPHERE = 5.0
# Cardioids share most of what they hear; W, X, Y and Z do so only for directions in one octant out of eight.
_SHARED = 0.4
_ONE_OCTANT = math.log(8)
_NONE = -6.5
_SURE = 0.99
_ONE_WAVE = 0.999

_EXCERPTS, _EXCERPT_S = 6, 5.0
HEAD_BYTES = 1 << 16
"""How much of a file's beginning is looked at for marks of its format."""
# Of the extended format of AmbiX in CAF files, versions 1 to 3.
_AMBIX_UUIDS = tuple(
    bytes.fromhex(digits.replace("-", ""))
    for digits in (
        "1ad318c3-00e5-5576-be2d-0dca2460bc89",
        "7c449194-05e1-58e4-9463-d0f8f2a1ed0f",
        "50c26359-d96d-5a67-bc19-db124f7606d0",
    )
)
_WORDS = {
    "ambix": r"(?<![a-z])(ambix|sn3d)(?![a-z])",
    "n3d": r"(?<![a-z])n3d(?![a-z])",
    "fuma": r"(?<![a-z])(fuma|furse)(?![a-z])",
    "a-format": r"(?<![a-z])a[-_ ]?format(?![a-z])",
    "em32": r"(?<![a-z])em32(?![0-9a-z])",
}


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What something other than the sound says of the layout."""

    layout: str
    source: str
    """`header`, `name` or `stated`."""
    reason: str

    @property
    def weight(self) -> float:
        """How many times likelier it makes the layout."""
        return 5.0 if self.source == "name" else 30.0


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a recording is, how sure that is, and what would be done to make AmbiX of it."""

    layout: str
    """One of `salm.audio.arrays.CHANNELS`, `stereo`, `mono` or `unknown`."""
    title: str
    """The same in words, with order and further channels."""
    confidence: float
    """Probability of the layout, 0 to 1."""
    alternatives: Mapping[str, float]
    """Probabilities of all layouts that were tried out, highest first; empty where there was no choice."""
    channels: int
    rate_hz: int
    duration_s: float
    order: int | None
    """Of Ambisonics, 1 and up."""
    head_locked: bool
    """Whether a stereo pair that does not turn with the head comes after four channels."""
    channel_order: str | None
    channel_order_from: str | None
    """`stated`, `header`, `name`, `level` or `assumed`; None where there is no order to know."""
    conversion: str | None
    """What would be done to make AmbiX of it; None if nothing has to be, or nothing can be."""
    evidence: tuple[str, ...]
    """What this rests on, in sentences."""
    defects: tuple[Defect, ...]
    balance: Balance | None
    """Of the channels as AmbiX after conversion; None where there is none."""


def diagnose(samples: Channels, rate_hz: int, *, hint: Hint | None = None, notes: Sequence[str] = ()) -> Diagnosis:
    """What the channels are, by their number, their physics and a hint.

    Parameters
    ----------
    hint
        What the header or a person says. What a person states is the layout; evidence tells if the sound contradicts.
    notes
        Of reading, which become defects.

    Raises
    ------
    InputError
        If a sample is no number, there are none, or the number of channels cannot be what was stated.
    """
    _check(samples, rate_hz)
    defects = (*(Defect(kind="short", text=note) for note in notes), *find_defects(samples))
    stated = hint.layout if hint is not None and hint.source == "stated" else None
    candidates = _candidates(len(samples))
    if stated is not None and stated not in candidates:
        fitting = ", ".join(candidates) or "no layout"
        raise InputError(f"--layout {stated} cannot be: of {len(samples)} channels {fitting} can be.")
    found: Diagnosis | None = None if stated else _without_physics(samples, rate_hz, defects)
    return found or _with_physics(samples, rate_hz, candidates, hint, defects)


def diagnose_file(path: str | Path, *, layout: str | None = None) -> tuple[Diagnosis, Channels, bool]:
    """What a file is, its channels, and whether they were stored as integers of 24 bits or fewer.

    Raises
    ------
    InputError
        If the file cannot be read, or the layout is none of `CHANNELS` or cannot be that of so many channels.
    """
    path = Path(path)
    if layout is not None and layout not in CHANNELS:
        raise InputError(f"layout is {layout!r} but must be one of {', '.join(CHANNELS)}.")
    samples, rate_hz, notes, header = decode(path)
    if layout is not None:
        hint: Hint | None = Hint(layout=layout, source="stated", reason=f"You say that it is {TITLES[layout]}.")
    else:
        with path.open("rb") as file:
            hint = header_hint(path, header, file.read(HEAD_BYTES))
    try:
        diagnosis = diagnose(samples, rate_hz, hint=hint, notes=notes)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    subtype = header.partition("\n")[0]
    return diagnosis, samples, subtype.startswith("PCM_") and subtype != "PCM_32"


def converted(diagnosis: Diagnosis, samples: Channels) -> Float32[np.ndarray, "4 time"]:
    """First-order AmbiX of the channels that were diagnosed.

    Raises
    ------
    InputError
        If they hold no sound field that is known here.
    """
    if diagnosis.layout not in CHANNELS:
        raise InputError(f"{diagnosis.title} cannot be converted to AmbiX.")
    return _as_ambix(samples, diagnosis.layout, diagnosis.rate_hz)


def header_hint(path: Path, header: str, head: bytes = b"") -> Hint | None:
    """What a file's ending, header and name say of its layout, in this order.

    Parameters
    ----------
    header
        As `salm.audio.decoding.decode` returns it.
    head
        The first bytes of the file, in which AmbiX marks CAF files.
    """
    if path.suffix.lower() == ".amb":
        return Hint(layout="fuma", source="header", reason="Files that end in .amb are FuMa.")
    if "(Ambisonic B)" in header:
        return Hint(layout="fuma", source="header", reason="The header marks it as B-format, which is FuMa.")
    if head[:4] == b"caff" and any(uuid in head for uuid in _AMBIX_UUIDS):
        return Hint(layout="ambix", source="header", reason="The header marks it as AmbiX.")
    # The log begins with the file's own path, which is no part of the header.
    texts = "\n".join(line for line in header.splitlines() if not line.startswith("File :"))
    for source, text, who in (("header", texts, "header"), ("name", path.stem, "file's name")):
        said = [layout for layout, words in _WORDS.items() if re.search(words, text, re.IGNORECASE)]
        if len(said) == 1:
            return Hint(layout=said[0], source=source, reason=f"The {who} says {said[0]}.")
    return None


def _check(samples: Channels, rate_hz: int) -> None:
    if samples.ndim != 2 or samples.size == 0 or rate_hz <= 0:
        raise InputError(f"there is nothing to diagnose in samples of shape {samples.shape} at {rate_hz} Hz.")
    finite = np.isfinite(samples).all(axis=0)
    if not finite.all():
        first_s = int(np.argmin(finite)) / rate_hz
        raise InputError(f"it holds samples that are no numbers, the first at {first_s:.3f} s; mend the file.")


def _candidates(channels: int) -> tuple[str, ...]:
    """Layouts that so many channels can have."""
    if channels == 4:
        return _FOUR
    if channels == 32:
        return ("em32",)
    return _AMBISONICS if channels == 6 or _order(channels) else ()


def _order(channels: int) -> int | None:
    root = math.isqrt(channels)
    return root - 1 if root >= 2 and root**2 == channels else None


def _without_physics(samples: Channels, rate_hz: int, defects: tuple[Defect, ...]) -> Diagnosis | None:
    """What channels are by their number or their being copies; None if the physics has to say."""
    count = len(samples)
    alive = count - len(silent_channels(samples)) if samples.any() else 0
    pairs = len(identical_pairs(samples)) if alive else 0
    copies = alive > 1 and pairs == alive * (alive - 1) // 2
    if not alive:
        layout, said, sure = "unknown", "There is no sound, so nothing can be known.", 1.0
    elif count == 1:
        layout, said, sure = "mono", "There is one channel.", 1.0
    elif alive == 1:
        layout, said, sure = "mono", f"Only one of {count} channels holds sound.", _SURE
    elif copies and (count == 2 or alive > 2):
        layout, said, sure = "mono", f"All {alive} channels with sound hold the same.", 0.97
    elif count == 2:
        layout, said, sure = "stereo", "There are two different channels.", _SURE
    elif not _candidates(count):
        layout, said, sure = "unknown", f"No format here has {count} channels.", _SURE
    else:
        return None
    disguise = " in disguise" if layout == "mono" and count > 1 else ""
    return Diagnosis(
        layout=layout,
        title=f"{TITLES[layout]}{disguise}",
        confidence=sure,
        alternatives={},
        channels=count,
        rate_hz=rate_hz,
        duration_s=samples.shape[1] / rate_hz,
        order=None,
        head_locked=False,
        channel_order=None,
        channel_order_from=None,
        conversion=None,
        evidence=(said,),
        defects=defects,
        balance=None,
    )


def _with_physics(
    samples: Channels, rate_hz: int, candidates: tuple[str, ...], hint: Hint | None, defects: tuple[Defect, ...]
) -> Diagnosis:
    excerpt = _excerpt(samples, rate_hz)
    balances = {layout: balance(_as_ambix(excerpt, layout, rate_hz), rate_hz) for layout in candidates}
    fits_by_layout = _fits(excerpt, rate_hz, balances)
    by_sound = _probabilities(fits_by_layout, None)
    probabilities = _probabilities(fits_by_layout, hint)
    stated = hint is not None and hint.source == "stated"
    layout = hint.layout if hint is not None and stated else next(iter(probabilities))
    fits = balances.get(layout)
    order = _order(len(samples)) if layout in _AMBISONICS else None
    order = 1 if layout in _AMBISONICS and len(samples) == 6 else order
    order_from = _order_from(layout, hint)
    evidence = [] if hint is None else [hint.reason]
    evidence += _told(fits, layout, order_from, balances)
    likeliest = next(iter(by_sound))
    if hint is not None and likeliest != hint.layout and by_sound[likeliest] > 0.9:
        evidence.append(f"The sound contradicts: by its physics it is {TITLES[likeliest]}.")
    return Diagnosis(
        layout=layout,
        title=_title(layout, order, len(samples), fits),
        confidence=round(probabilities[layout], 4),
        alternatives={name: round(value, 4) for name, value in probabilities.items()},
        channels=len(samples),
        rate_hz=rate_hz,
        duration_s=samples.shape[1] / rate_hz,
        order=order,
        head_locked=order is not None and len(samples) == 6,
        channel_order=_ORDERS.get(layout),
        channel_order_from=order_from,
        conversion=_conversion(layout, len(samples)),
        evidence=tuple(evidence),
        defects=defects,
        balance=fits,
    )


def _excerpt(samples: Channels, rate_hz: int) -> Channels:
    """Up to half a minute from all over the recording, with a peak of one."""
    size, time = round(_EXCERPT_S * rate_hz), samples.shape[1]
    if time > _EXCERPTS * size:
        starts = np.linspace(0, time - size, _EXCERPTS).astype(int)
        samples = np.concatenate([samples[:, start : start + size] for start in starts], axis=1)
    peak = max(float(np.abs(samples).max()), float(np.finfo(np.float32).tiny))
    return np.asarray(samples / np.float32(peak))


def _as_ambix(samples: Channels, layout: str, rate_hz: int) -> Float32[np.ndarray, "4 time"]:
    return to_foa(samples[:4] if layout in _AMBISONICS else samples, layout, rate_hz=rate_hz)


def _fits(excerpt: Channels, rate_hz: int, balances: Mapping[str, Balance | None]) -> dict[str, float]:
    """Log odds of each layout and of none of them, by the sound."""
    logs = {layout: _fit(found) + math.log(_USUAL[layout]) for layout, found in balances.items()}
    alike = likeness(excerpt, rate_hz)
    # A channel that never changes is like none.
    shared = float(np.corrcoef(excerpt[:4]).min()) if np.std(excerpt[:4], axis=1, dtype=float).all() else 0.0
    for layout in logs:
        if layout in _SPHERES:
            logs[layout] -= _NOT_A_SPHERE * max(0.0, _ALIKE - alike)
        elif alike > _ALIKE:
            logs[layout] -= _A_SPHERE
        if layout in _AMBISONICS and shared > _SHARED:
            logs[layout] -= _ONE_OCTANT
    logs["unknown"] = _NONE + math.log(_USUAL["unknown"])
    return logs


def _probabilities(fits: Mapping[str, float], hint: Hint | None) -> dict[str, float]:
    """Of each layout and of none of them, highest first."""
    logs = dict(fits)
    if hint is not None and hint.layout in logs:
        logs[hint.layout] += math.log(hint.weight)
    highest = max(logs.values())
    odds = {layout: math.exp(value - highest) for layout, value in logs.items()}
    whole = sum(odds.values())
    return dict(sorted(((layout, value / whole) for layout, value in odds.items()), key=lambda item: -item[1]))


def _fit(found: Balance | None) -> float:
    """Log likelihood of a balance under the layout that made it, up to a constant; of nothing heard as of none."""
    if found is None:
        return _NONE
    off = min(abs(found.gradients_db) / math.hypot(_BALANCE_DB, found.doubt_db), _WORST)
    spread = 4 * math.log(max(found.scatter, _LEAST_SPREAD) / _LEAST_SPREAD)
    out_of_phase = 30 * max(0.0, _LEAST_IN_PHASE - found.doubt - found.in_phase)
    return -(off**2) / 2 - spread - out_of_phase


def _order_from(layout: str, hint: Hint | None) -> str | None:
    if layout not in _ORDERS:
        return None
    if hint is not None and hint.layout == layout:
        return hint.source
    return "level" if layout == "fuma" else "assumed"


def _title(layout: str, order: int | None, channels: int, fits: Balance | None) -> str:
    title = TITLES[layout]
    if order is not None:
        title += f", order {order}"
    if order is not None and channels == 6:
        title += ", and two channels of head-locked stereo"
    if fits is not None and fits.coherence > _ONE_WAVE:
        title += ", of a single dry sound"
    return title


def _told(
    fits: Balance | None, layout: str, order_from: str | None, balances: Mapping[str, Balance | None]
) -> list[str]:
    plain = balances.get("ambix")
    told = []
    if plain is not None:
        told.append(
            f"As the channels stand, the last three have {plain.gradients_db:+.1f} dB of the first "
            "(AmbiX 0.0, FuMa 3.0, N3D 4.8)."
        )
    if fits is None:
        told.append("There is too little sound to check the balance of the channels.")
    else:
        told.append(
            f"As {layout} they balance within {abs(fits.gradients_db):.1f} dB, with a spread of {fits.spread:.2f}, "
            f"and {fits.in_phase:.0%} of what they share with W is in phase."
            if layout in _ORDERS
            else ""
        )
    if order_from == "level":
        told.append("W is 3 dB down, as in FuMa, whose order is W X Y Z.")
    if order_from == "assumed":
        told.append(f"The order {_ORDERS[layout]} is assumed: it cannot be known from the sound; --layout states it.")
    if layout == "unknown":
        told.append("The channels balance as those of none of the formats with so many.")
    return [line for line in told if line]


def _conversion(layout: str, channels: int) -> str | None:
    steps = {
        "n3d": "X, Y and Z are divided by sqrt(3)",
        "fuma": "W is multiplied by sqrt(2) and the order becomes W Y Z X",
        "a-format": "sums and differences of the capsules become W Y Z X",
        "dcase-mic": "the sphere's encoding filters make W Y Z X of the capsules",
        "em32": "the sphere's encoding filters make W Y Z X of the capsules",
    }
    done = [steps[layout]] if layout in steps else []
    if layout in _AMBISONICS and channels == 6:
        done.append("the head-locked pair is left out")
    elif layout in _AMBISONICS and channels > 4:
        done.append("only the first order is kept")
    return "; ".join(done) or None
