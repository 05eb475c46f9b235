"""One event of a timeline: when, from where, and what it may be."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

__all__ = ["Event", "Fit", "Place"]


class Fit(NamedTuple):
    """How well one of the user's sentences fits an event."""

    sentence: str
    label: int
    """Its place in the user's list, from 0."""
    cosine: float
    """Similarity of the sentence with the semantic embedding of the event, -1 to 1."""
    share: float
    """Softmax of the cosines over the whole list with the model's own temperature, 0 to 1: how likely this sentence is
    if it is one of the list. It says nothing of whether one of them fits at all; that is what the cosine is for."""


class Place(NamedTuple):
    """Where an event is at a time."""

    time_s: float
    """From the start of the recording."""
    azimuth_deg: float
    elevation_deg: float


@dataclass(frozen=True, kw_only=True)
class Event:
    """One sound that stays or moves, from onset to offset."""

    onset_s: float
    offset_s: float
    track: int
    """Number of the source: events of one track come from one that stands or moves. Stereo and mono cannot tell
    sources apart."""
    azimuth_deg: float | None
    """Mean direction; None of mono, which has none."""
    elevation_deg: float | None
    """None of stereo and mono."""
    sector: str | None
    """One of `salm.frame.SECTORS`."""
    confidence: float
    """With a model the estimated chance that the direction is within 20 degrees of the truth, 0 to 1; without one, and
    of stereo, how much the sound keeps to one direction."""
    cone_deg: float | None
    """Half angle of the cone around the direction that holds the truth with 90 % probability; None where nobody
    calibrated it."""
    ambiguity: str | None
    """None, ``front-back`` (two channels cannot tell) or ``all`` (one channel cannot tell anything)."""
    level_db: float
    """Mean level of W from onset to offset, in dB of full scale; other sounds at that time are in it."""
    path: tuple[Place, ...] = ()
    """Where it is every tenth of a second, if it moves; empty if it stands still."""
    fits: tuple[Fit, ...] = ()
    """The sentences that fit best, best first; empty if none were given."""

    @property
    def name(self) -> str | None:
        """The sentence that fits best; None if none were given."""
        return self.fits[0].sentence if self.fits else None

    @property
    def label(self) -> int:
        """The place of that sentence in the user's list; 0 if none were given."""
        return self.fits[0].label if self.fits else 0

    def at(self, time_s: float) -> tuple[float | None, float | None]:
        """Azimuth and elevation at a time between onset and offset."""
        if not self.path:
            return self.azimuth_deg, self.elevation_deg
        place = min(self.path, key=lambda place: abs(place.time_s - time_s))
        return place.azimuth_deg, place.elevation_deg

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        plain = asdict(self)
        return {
            **plain,
            "name": self.name,
            "path": [place._asdict() for place in self.path],
            "fits": [fit._asdict() for fit in self.fits],
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Event":
        """Event from its plain form."""
        values = {key: value for key, value in plain.items() if key != "name"}
        path, fits = (tuple(kind(**item) for item in values[key]) for key, kind in (("path", Place), ("fits", Fit)))
        return cls(**{**values, "path": path, "fits": fits})
