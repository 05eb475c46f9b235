"""What can be done to a sound field: plain data that sentences are turned into and that is kept beside the result."""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["EditOperation", "Louder", "Mirror", "MoveTo", "RaiseBy", "Tilt", "TurnBy", "plain_operation"]


@dataclass(frozen=True)
class MoveTo:
    """Turn the field so that the sound comes to a direction; an angle that is None stays as it is."""

    azimuth_deg: float | None = None
    elevation_deg: float | None = None


@dataclass(frozen=True)
class TurnBy:
    """Turn the field around the vertical axis."""

    counterclockwise_deg: float
    """In (-180, 180]; positive moves what is in front to the left."""


@dataclass(frozen=True)
class RaiseBy:
    """Turn the field so that the sound goes up or down where it is, over the top if need be."""

    up_deg: float
    """In (-180, 180]; negative goes down."""


@dataclass(frozen=True)
class Tilt:
    """Turn the field around a level axis."""

    pitch_deg: float = 0.0
    """In (-180, 180]; positive moves what is in front up."""
    roll_deg: float = 0.0
    """In (-180, 180]; positive moves what is on the left up."""


@dataclass(frozen=True)
class Mirror:
    """Exchange two sides."""

    sides: str = "left-right"
    """One of `salm.audio.rotate.MIRRORS`."""


@dataclass(frozen=True)
class Louder:
    """Make a direction louder or quieter, by a first-order beam; or everything."""

    gain_db: float
    """What a sound from that direction gains; negative is quieter."""
    azimuth_deg: float | None = None
    """None, as the elevation is then: everything."""
    elevation_deg: float | None = None


EditOperation = MoveTo | TurnBy | RaiseBy | Tilt | Mirror | Louder
"""What a sentence can ask for."""

_KINDS = {
    MoveTo: "move to",
    TurnBy: "turn by",
    RaiseBy: "raise by",
    Tilt: "tilt",
    Mirror: "mirror",
    Louder: "louder",
}


def plain_operation(operation: EditOperation) -> dict[str, Any]:
    """An operation as it goes into JSON: its ``kind`` and its numbers."""
    return {"kind": _KINDS[type(operation)], **asdict(operation)}
