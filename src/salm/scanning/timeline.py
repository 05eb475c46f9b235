"""A recording of any length as a timeline: what is heard, where, and from when to when.

First, without learning, everything that sounds from one place is found in time and direction, a tenth of a second at a
time (`sightings`, `tracks`). Then the model hears each such event once, by itself: it says what it may be and how far
its direction can be trusted. So a time is known to a tenth of a second though the model's window has five seconds, no
event is named by what came before it, and silence costs next to nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from salm.audio.decoding import BLOCK
from salm.audio.formats import from_mono
from salm.audio.recording import Layout, Recording
from salm.audio.stream import Stream
from salm.errors import InputError
from salm.frame import SECTORS, angle_between_deg, azimuth_elevation, relative_to_front, sector_index
from salm.model.inference import Heard, Location, Model, merged
from salm.scanning.background import Background
from salm.scanning.event import Event, Fit, Place
from salm.scanning.sightings import CAP_DEG, TICK_S, Sightings, Tick
from salm.scanning.tracks import GATE_DB, Stretch, Tracker

__all__ = ["Scanner", "Timeline", "scan"]

RATE_HZ = 24_000
"""Rate of scanning without a model."""

# An event is heard with what rings after it: the room, and the sound's own decay.
_LEAD_S, _RING_S = 0.1, 0.4
# The path of a source is smoothed over a second; what stays within the angle of its mean stands still.
_SMOOTH_TICKS = 11
_STANDS_DEG = 15.0
# An event with company for so much of its time is heard through a supercardioid, and the model's direction is not asked.
_CROWDED = 0.3
_OMNI = 0.37


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The events of one recording."""

    file: str
    duration_s: float
    layout: Layout
    """What the recording is: `foa`, `stereo` or `mono`."""
    sentences: tuple[str, ...]
    model: str | None
    """Digest of the model's weights; None without a model."""
    front_deg: float
    """Azimuth of the microphone that directions are relative to."""
    notes: tuple[str, ...]
    """What was converted or found missing, in sentences."""
    events: tuple[Event, ...]
    """In the order of their onsets."""

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return {**vars(self), "events": [event.to_dict() for event in self.events]}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Timeline":
        """Timeline from its plain form."""
        events = tuple(Event.from_dict(event) for event in plain["events"])
        return cls(**{**plain, "events": events, **{key: tuple(plain[key]) for key in ("sentences", "notes")}})


def scan(
    path: str | Path,
    model: Model | None,
    sentences: Sequence[str] = (),
    *,
    progress: Callable[[float, float], None] | None = None,
    **options: Any,
) -> Timeline:
    """The timeline of a file of any length, of which no more than about a minute is held at a time.

    Parameters
    ----------
    path, model, sentences, options
        As for :class:`Scanner`, which gives the same events one by one as they are found.
    progress
        Called with the seconds that were read and those that the header promises, block by block.

    Raises
    ------
    InputError
        If the file cannot be read, or sentences or options cannot be used.
    """
    with Scanner(path, model, sentences, progress=progress, **options) as scanner:
        events = sorted(scanner, key=lambda event: (event.onset_s, event.track))
        return replace(scanner.timeline, events=tuple(events))


class Scanner:
    """A file while it is scanned; to be used in a ``with`` block, and to be gone through once.

    Going through it gives events as they end, the same whatever the size of the blocks; whoever stops on the way just
    stops.

    Parameters
    ----------
    path
        A file of any length that `salm.read` reads.
    model
        Names events and says how far their directions can be trusted; None does neither.
    sentences
        What may be heard. Their place words do not count.
    layout
        Of files with four or more channels, as for `salm.read`.
    front_deg
        Azimuth of the microphone that the listener calls front; directions are relative to it.
    gate_db
        Level of W, in dB of full scale, below which a tenth of a second counts as silent.
    top
        How many of the sentences each event has, at least 1.
    block_samples
        Samples of the file that are read at once.
    progress
        As for :func:`scan`.

    Raises
    ------
    InputError
        If the file cannot be read, there are sentences but no model, one of them is empty or there twice, or an option
        is out of range.
    """

    def __init__(
        self,
        path: str | Path,
        model: Model | None,
        sentences: Sequence[str] = (),
        *,
        layout: str | None = None,
        front_deg: float = 0.0,
        gate_db: float = GATE_DB,
        top: int = 3,
        block_samples: int = BLOCK,
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        self._check(model, sentences, front_deg, gate_db, top)
        self._model, self._front_deg, self._top, self._progress = model, front_deg, top, progress
        self._sentences = tuple(sentences)
        self._text = model.embed_text(sentences) if model is not None and sentences else None
        self._file = str(path)
        rate_hz = RATE_HZ if model is None else model.config.features.rate_hz
        self._stream = Stream(path, rate_hz=rate_hz, layout=layout, block_samples=block_samples)
        self._sightings = Sightings(rate_hz=rate_hz, layout=self._stream.layout)
        self._background = Background() if self._stream.ambiguity is not None else None
        self._tracker = Tracker(gate_db=gate_db)
        self._kept, self._first = np.zeros((4, 0), np.float32), 0

    def __enter__(self) -> "Scanner":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.__exit__()

    @property
    def timeline(self) -> Timeline:
        """What is known of the recording so far, without its events."""
        return Timeline(
            file=self._file,
            duration_s=self._stream.read_s,
            layout=self._stream.layout,
            sentences=self._sentences,
            model=None if self._model is None else self._model.digest,
            front_deg=self._front_deg,
            notes=self._stream.notes,
            events=(),
        )

    def __iter__(self) -> Iterator[Event]:
        """Events as they end.

        Raises
        ------
        InputError
            If the file holds nothing that can be read, or what is no number.
        """
        for block in self._stream:
            self._kept = np.concatenate([self._kept, block], axis=1)
            yield from map(self._event, self._tracker.of(self._standing_out(self._sightings.of(block))))
            self._forget()
            if self._progress is not None:
                self._progress(self._stream.read_s, max(self._stream.promised_s, self._stream.read_s))
        ticks = self._standing_out(self._sightings.rest(), last=True)
        yield from map(self._event, self._tracker.of(ticks))
        yield from map(self._event, self._tracker.rest())

    @staticmethod
    def _check(model: Model | None, sentences: Sequence[str], front_deg: float, gate_db: float, top: int) -> None:
        if sentences and model is None:
            raise InputError("sentences need a model; leave them out to scan without one.")
        if any(not sentence.strip() for sentence in sentences):
            raise InputError("one of the sentences is empty; leave it out.")
        twice = next((sentence for sentence in sentences if list(sentences).count(sentence) > 1), None)
        if twice is not None:
            raise InputError(f"the sentence {twice!r} is there twice; leave one out.")
        if not np.isfinite(front_deg):
            raise InputError(f"front_deg is {front_deg} but must be a number of degrees.")
        if not -200 <= gate_db <= 0:
            raise InputError(f"gate_db is {gate_db} but must be from -200 to 0.")
        if top < 1:
            raise InputError(f"top is {top} but must be at least 1.")

    def _standing_out(self, ticks: Iterator[Tick], *, last: bool = False) -> Iterator[Tick]:
        if self._background is None:
            yield from ticks
            return
        yield from self._background.of(ticks)
        if last:
            yield from self._background.rest()

    def _forget(self) -> None:
        """Let go of what no event to come can hold."""
        lead = round(_LEAD_S * self._stream.rate_hz)
        start = max(self._first, self._tracker.earliest * self._sightings.tick_samples - lead)
        self._kept, self._first = self._kept[:, start - self._first :], start

    def _event(self, stretch: Stretch) -> Event:
        size = self._sightings.tick_samples
        start, stop = (tick * size - self._first for tick in (stretch.start, stretch.stop))
        stop = min(stop, self._kept.shape[1])
        level = float(np.square(self._kept[0, start:stop], dtype=np.float64).mean())
        place, fits = self._heard(stretch, start, stop)
        azimuth_deg = self._turned(place.azimuth_deg)
        end_s = (self._first + stop) / self._stream.rate_hz
        return Event(
            onset_s=round(stretch.start * TICK_S, 3),
            offset_s=round(min(stretch.stop * TICK_S, end_s), 3),
            track=stretch.track,
            azimuth_deg=azimuth_deg,
            elevation_deg=place.elevation_deg,
            sector=None if azimuth_deg is None else SECTORS[int(sector_index(azimuth_deg))],
            confidence=place.confidence,
            cone_deg=place.cone_deg,
            ambiguity=place.ambiguity,
            level_db=10 * float(np.log10(level + 1e-30)),
            path=self._path(stretch),
            fits=fits,
        )

    def _heard(self, stretch: Stretch, start: int, stop: int) -> tuple[Location, tuple[Fit, ...]]:
        """Where an event is and what it may be; from and to which of the samples at hand it goes."""
        rate_hz, layout = self._stream.rate_hz, self._stream.layout
        seen = Location(
            start_s=0.0,
            end_s=0.0,
            azimuth_deg=None,
            elevation_deg=None,
            sector=None,
            confidence=0.0 if layout == "mono" else float(stretch.weights[stretch.weights > 0].mean()),
            ambiguity=self._stream.ambiguity,
            reason=None,
        )
        if layout != "mono":
            azimuth_deg, elevation_deg = (float(angle) for angle in azimuth_elevation(_mean(stretch)))
            seen = replace(seen, azimuth_deg=azimuth_deg, elevation_deg=None if layout == "stereo" else elevation_deg)
        if self._model is None:
            return seen, ()
        lead, ring = round(_LEAD_S * rate_hz), round(_RING_S * rate_hz)
        samples = self._kept[:, max(0, start - lead) : stop + ring]
        heard = self._model.hear(Recording(samples=samples, rate_hz=rate_hz, layout=layout))
        if layout != "foa" or stretch.company < _CROWDED:
            return self._trusted(heard, seen), self._fits(heard)
        named = self._model.hear(_towards(_mean(stretch), samples, rate_hz)) if self._text is not None else heard
        return self._doubted(heard, seen), self._fits(named)

    def _trusted(self, heard: Heard, seen: Location) -> Location:
        """The model's direction with its cone, where it means the same source; else what was seen, without a cone."""
        assert self._model is not None
        if seen.vector is None or seen.ambiguity is not None:
            return seen
        found = merged(self._model.places(heard, widest_deg=180.0))
        if found.vector is not None and float(angle_between_deg(found.vector, seen.vector)) <= CAP_DEG:
            return found
        return self._doubted(heard, seen)

    def _doubted(self, heard: Heard, seen: Location) -> Location:
        """What was seen, with the confidence that the model's evidence gives it, and without a cone."""
        assert self._model is not None and seen.vector is not None
        direction = np.repeat(seen.vector[None].astype(np.float32), len(heard.direction), axis=0)
        there = merged(self._model.places(replace(heard, direction=direction), widest_deg=180.0))
        return replace(seen, confidence=there.confidence)

    def _fits(self, heard: Heard) -> tuple[Fit, ...]:
        if self._text is None or self._model is None:
            return ()
        mean = heard.embeddings.normalised().semantic.mean(axis=0)
        cosines = (self._text @ (mean / max(float(np.linalg.norm(mean)), 1e-12))).astype(np.float64)
        shares = np.exp(self._model.scale * (cosines - cosines.max()))
        shares /= shares.sum()
        best = np.argsort(-cosines, kind="stable")[: self._top]
        return tuple(Fit(self._sentences[i], int(i), float(cosines[i]), float(shares[i])) for i in best)

    def _turned(self, azimuth_deg: float | None) -> float | None:
        return None if azimuth_deg is None else float(relative_to_front(azimuth_deg, self._front_deg))

    def _path(self, stretch: Stretch) -> tuple[Place, ...]:
        """Where a source that moves is, tick by tick; empty if it stands still."""
        if self._stream.layout == "mono":
            return ()
        kernel = np.hanning(_SMOOTH_TICKS + 2)[1:-1]
        weights = np.maximum(stretch.weights, 1e-6)
        rows = np.stack([np.convolve(weights * axis, kernel, mode="full") for axis in stretch.vectors.T], axis=1)
        smooth = rows[_SMOOTH_TICKS // 2 :][: len(weights)]
        if float(angle_between_deg(smooth, _mean(stretch)).max()) <= _STANDS_DEG:
            return ()
        azimuths, elevations = azimuth_elevation(smooth)
        return tuple(
            Place(
                round((stretch.start + tick) * TICK_S, 3),
                round(self._turned(float(azimuth_deg)) or 0.0, 1),
                None if self._stream.layout == "stereo" else round(float(elevation_deg), 1),
            )
            for tick, (azimuth_deg, elevation_deg) in enumerate(zip(azimuths, elevations, strict=True))
        )


def _towards(direction: Float[np.ndarray, " 3"], samples: Float32[np.ndarray, "4 time"], rate_hz: int) -> Recording:
    """What a supercardioid hears that is turned to a direction."""
    x, y, z = ((1 - _OMNI) * direction).tolist()
    beam = np.array([_OMNI, y, z, x], np.float32) @ samples
    return Recording(samples=from_mono(beam[None]), rate_hz=rate_hz, layout="mono")


def _mean(stretch: Stretch) -> Float[np.ndarray, " 3"]:
    """Mean of the ticks' directions by their weights, of length one."""
    mean = stretch.weights @ stretch.vectors
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))
