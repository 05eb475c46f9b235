"""Drawing scenes: rooms, positions and levels by the ranges of the paper's code line."""

from dataclasses import dataclass

import numpy as np

from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.room import Room, sample_position, sample_room
from salm.errors import InputError
from salm.frame import sector_centre_deg, wrap_deg
from salm.scenes.corpora.base import Sound
from salm.scenes.scene import Scene, Source

__all__ = ["POSITIONS", "SceneRanges", "draw_measured", "draw_scene", "draw_variants"]

POSITIONS = 3
"""At how many places the paper puts each sound."""

_CENTRES_DEG = tuple(sector_centre_deg(sector) for sector in range(8))


@dataclass(frozen=True, kw_only=True)
class SceneRanges:
    """What scenes are drawn from; the defaults are those of the paper's code line where it is known."""

    elevation_deg: float = 45.0
    """Elevations are uniform between minus and plus this."""
    jitter_deg: float = 22.5
    """Azimuths are uniform within this of a sector's centre; 22.5 leaves no gap."""
    microphone_jitter: float = 0.03
    """Offset of the microphone from the room's centre as a share of each side; 0 is the paper."""
    anechoic: float = 0.0
    """Share of scenes in the free field."""
    noise_db: tuple[float, float] | None = (-65.0, -40.0)
    """Level of the sensor noise relative to the sound; None is the paper, without noise."""


def draw_scene(
    rng: np.random.Generator, sound: Sound, *, ranges: SceneRanges | None = None, sector: int | None = None
) -> Scene:
    """One sound in a room of its own, in the given sector or in any."""
    ranges = ranges or SceneRanges()
    sector = int(rng.integers(8)) if sector is None else sector
    room = None if rng.random() < ranges.anechoic else sample_room(rng, jitter=ranges.microphone_jitter)
    return _place(rng, sound, room, sector, ranges)


def draw_variants(
    rng: np.random.Generator,
    sound: Sound,
    *,
    count: int = POSITIONS,
    ranges: SceneRanges | None = None,
    room: Room | None = None,
) -> tuple[Scene, ...]:
    """One sound at several places in the same room, each in a sector of its own: the paper's augmentation.

    The room is drawn unless it is given.
    """
    ranges = ranges or SceneRanges()
    room = room or sample_room(rng, jitter=ranges.microphone_jitter)
    sectors = rng.choice(8, size=count, replace=False)
    return tuple(_place(rng, sound, room, int(sector), ranges) for sector in sectors)


def draw_measured(
    rng: np.random.Generator,
    sound: Sound,
    responses: ResponseSet,
    *,
    ranges: SceneRanges | None = None,
    sector: int | None = None,
) -> Scene:
    """One sound through one measured response, in the given sector or in any.

    Every room is as likely as every other, and in it every sector that it has, however many responses those are. Of the
    ranges only the noise counts: directions are those of the responses.

    Raises
    ------
    InputError
        If no room has a response in the sector.
    """
    ranges = ranges or SceneRanges()
    rooms = [places for places in responses.by_room.values() if sector is None or sector in places]
    if not rooms:
        raise InputError(f"{responses.name} has no response in sector {sector}; ask for another, or for any.")
    places = rooms[int(rng.integers(len(rooms)))]
    sectors = sorted(places)
    there = places[sectors[int(rng.integers(len(sectors)))] if sector is None else sector]
    item = there[int(rng.integers(len(there)))]
    source = Source(
        sound_id=sound.id,
        caption=sound.captions[0],
        azimuth_deg=item.azimuth_deg,
        elevation_deg=item.elevation_deg,
        distance_m=item.distance_m,
        response_id=item.id,
    )
    noise_db = None if ranges.noise_db is None else float(rng.uniform(*ranges.noise_db))
    return Scene(seed=int(rng.integers(2**31)), sources=(source,), noise_db=noise_db, responses=responses.name)


def _place(rng: np.random.Generator, sound: Sound, room: Room | None, sector: int, ranges: SceneRanges) -> Scene:
    centre_deg = _CENTRES_DEG[sector]
    azimuth_range = (centre_deg - ranges.jitter_deg, centre_deg + ranges.jitter_deg)
    elevation_range = (-ranges.elevation_deg, ranges.elevation_deg)
    if room is None:
        azimuth_deg = float(wrap_deg(rng.uniform(*azimuth_range)))
        elevation_deg, distance_m = float(rng.uniform(*elevation_range)), 1.0
    else:
        azimuth_deg, elevation_deg, distance_m = sample_position(rng, room, azimuth_range, elevation_range)
    source = Source(
        sound_id=sound.id,
        caption=sound.captions[0],
        azimuth_deg=azimuth_deg,
        elevation_deg=elevation_deg,
        distance_m=distance_m,
    )
    noise_db = None if ranges.noise_db is None else float(rng.uniform(*ranges.noise_db))
    return Scene(seed=int(rng.integers(2**31)), sources=(source,), room=room, noise_db=noise_db)
