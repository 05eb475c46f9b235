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

from salm.audio.decoding import BLOCK
from salm.audio.recording import Layout, Recording
from salm.audio.stream import Stream
from salm.errors import InputError
from salm.frame import SECTORS, azimuth_elevation, relative_to_front, sector_index
from salm.model.inference import Model
from salm.scanning.background import Background
from salm.scanning.event import Event, Place
from salm.scanning.listener import Listener
from salm.scanning.sightings import TICK_S, Sightings, Tick
from salm.scanning.tracks import GATE_DB, Stretch, Tracker

__all__ = ["Scanner", "Timeline", "scan"]

RATE_HZ = 24_000
"""Rate of scanning without a model."""

# An event is heard with what rings after it: the room, and the sound's own decay.
_LEAD_S, _RING_S = 0.1, 0.4


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
        if not np.isfinite(front_deg):
            raise InputError(f"front_deg is {front_deg} but must be a number of degrees.")
        if not -200 <= gate_db <= 0:
            raise InputError(f"gate_db is {gate_db} but must be from -200 to 0.")
        self._front_deg, self._progress = front_deg, progress
        self._facts: dict[str, Any] = {
            "file": str(path),
            "sentences": tuple(sentences),
            "model": None if model is None else model.digest,
            "front_deg": front_deg,
        }
        self._listener = Listener(model, sentences, top=top)
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
        stream = self._stream
        return Timeline(**self._facts, duration_s=stream.read_s, layout=stream.layout, notes=stream.notes, events=())

    def __iter__(self) -> Iterator[Event]:
        """Events as they end.

        Raises
        ------
        InputError
            If the file holds nothing that can be read, or what is no number.
        """
        return (event for event in self.steps() if event is not None)

    def steps(self) -> Iterator[Event | None]:
        """Events as they end, and None after every block: whoever has to let others in, or may be told to stop, can.

        Raises
        ------
        InputError
            As going through it does.
        """
        for block in self._stream:
            self._kept = np.concatenate([self._kept, block], axis=1)
            yield from map(self._event, self._tracker.of(self._standing_out(self._sightings.of(block))))
            self._forget()
            if self._progress is not None:
                self._progress(self._stream.read_s, max(self._stream.promised_s, self._stream.read_s))
            yield None
        ticks = self._standing_out(self._sightings.rest(), last=True)
        yield from map(self._event, self._tracker.of(ticks))
        yield from map(self._event, self._tracker.rest())

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
        place, fits = self._listener.hear(stretch, self._recording(stretch, start, stop))
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

    def _recording(self, stretch: Stretch, start: int, stop: int) -> Recording:
        """An event, from and to which of the samples at hand it goes, with what rings after it.

        Never more than was looked at when it ended: how much else is at hand depends on the blocks.
        """
        rate_hz, size = self._stream.rate_hz, self._sightings.tick_samples
        first = max(0, start - round(_LEAD_S * rate_hz))
        last = min(stop + round(_RING_S * rate_hz), stretch.known * size - self._first)
        return Recording(samples=self._kept[:, first:last], rate_hz=rate_hz, layout=self._stream.layout)

    def _turned(self, azimuth_deg: float | None) -> float | None:
        return None if azimuth_deg is None else float(relative_to_front(azimuth_deg, self._front_deg))

    def _path(self, stretch: Stretch) -> tuple[Place, ...]:
        """Where a source that moves is, tick by tick; empty if it stands still."""
        if self._stream.ambiguity is not None or stretch.stands:
            return ()
        azimuths, elevations = azimuth_elevation(stretch.path)
        return tuple(
            Place(
                round((stretch.start + tick) * TICK_S, 3),
                round(float(relative_to_front(float(azimuth_deg), self._front_deg)), 1),
                round(float(elevation_deg), 1),
            )
            for tick, (azimuth_deg, elevation_deg) in enumerate(zip(azimuths, elevations, strict=True))
        )
