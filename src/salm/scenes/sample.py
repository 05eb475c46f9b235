"""Drawing scenes: rooms, positions and levels by the ranges of the paper's code line, and what goes beyond it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from salm.acoustics.measured.base import ResponseSet
from salm.acoustics.room import Position, Room, sample_position, sample_room
from salm.errors import InputError
from salm.frame import Direction, angle_between_deg, sector_centre_deg, wrap_deg
from salm.scenes.corpora.base import Sound
from salm.scenes.scene import Ambience, Scene, Source, Waypoint

__all__ = ["POSITIONS", "SceneRanges", "draw_measured", "draw_scene", "draw_variants"]

POSITIONS = 3
"""At how many places the paper puts each sound."""

_WALKS = 1000
_STEP_DEG = 5.0
_STEP_M = 0.25
_FASTEST_M_S = 5.0
_NEAREST_IN_FREE_FIELD_M = 0.3

_BOUNDS = {
    "elevation_deg": (0.0, 90.0),
    "jitter_deg": (0.0, 180.0),
    "noise_db": (-300.0, 300.0),
    "nearest_m": (0.1, 500.0),
    "length_m": (0.5, 1000.0),
    "rt60_s": (0.0, 100.0),
    "gain_db": (-300.0, 300.0),
    "ambience_snr_db": (-300.0, 300.0),
}

_CENTRES_DEG = tuple(sector_centre_deg(sector) for sector in range(8))


@dataclass(frozen=True, kw_only=True)
class SceneRanges:
    """What scenes are drawn from; the defaults are those of the paper's code line where it is known.

    Raises
    ------
    InputError
        If a share is none from 0 to 1, those of one, two and three sources are all zero, or a number is out of bounds.
    """

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
    nearest_m: float = 1.0
    """Smallest distance of a source; what is to be near (`salm.scenes.attributes`) is below a metre."""
    length_m: tuple[float, float] = (4.0, 20.0)
    """Length and width of a room."""
    rt60_s: tuple[float, float] = (0.1, 1.5)
    """Reverberation time of a room."""
    gain_db: tuple[float, float] = (0.0, 0.0)
    """Level of a source."""
    sources: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Shares of scenes with one, two and three sources, relative to each other; each is in a sector of its own."""
    moving: float = 0.0
    """Share of sources that go straight and evenly towards another sector while they sound, at 5 m/s at most."""
    ambience: float = 0.0
    """Share of scenes with a background from everywhere."""
    ambience_snr_db: tuple[float, float] = (5.0, 30.0)
    """Level of the sources over that of the background."""

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            ends = value if isinstance(value, tuple) else (value, value)
            if value is not None and not least <= ends[0] <= ends[1] <= most:
                what = "two numbers, the lower one first," if isinstance(value, tuple) else "a number"
                raise InputError(f"{name} is {value} but must be {what} from {least:g} to {most:g}.")
        for name in ("anechoic", "moving", "ambience"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)} but must be a share from 0 to 1.")
        if not min(self.sources) >= 0 or not sum(self.sources):
            raise InputError(f"the shares of sources are {self.sources} but must not be negative, nor all zero.")


def draw_scene(
    rng: np.random.Generator,
    sound: Sound,
    *,
    ranges: SceneRanges | None = None,
    sector: int | None = None,
    others: Sequence[Sound] = (),
    ambience: str | None = None,
) -> Scene:
    """One sound in a room of its own, in the given sector or in any, with further sounds in other sectors.

    Parameters
    ----------
    others
        What else sounds; :class:`~salm.scenes.source.FreshScenes` draws how many and which.
    ambience
        Sound of the background, if the scene gets one; None is pink noise.

    Raises
    ------
    InputError
        If there are more sounds than sectors.
    """
    ranges = ranges or SceneRanges()
    sector = int(rng.integers(8)) if sector is None else sector
    room = None if rng.random() < ranges.anechoic else _room(rng, ranges)
    scene = _place(rng, sound, room, sector, ranges)
    if others:
        free = [other for other in range(8) if other != sector]
        if len(others) > len(free):
            raise InputError(f"there are {len(others) + 1} sounds but only eight sectors.")
        sectors = rng.choice(free, size=len(others), replace=False)
        further = [_source(rng, other, room, int(at), ranges) for other, at in zip(others, sectors, strict=True)]
        scene = replace(scene, sources=(*scene.sources, *further))
    if ranges.ambience and rng.random() < ranges.ambience:
        scene = replace(scene, ambience=Ambience(snr_db=float(rng.uniform(*ranges.ambience_snr_db)), sound_id=ambience))
    return scene


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
    room = room or _room(rng, ranges)
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


def _room(rng: np.random.Generator, ranges: SceneRanges) -> Room:
    return sample_room(rng, length_m=ranges.length_m, rt60_s=ranges.rt60_s, jitter=ranges.microphone_jitter)


def _place(rng: np.random.Generator, sound: Sound, room: Room | None, sector: int, ranges: SceneRanges) -> Scene:
    source = _source(rng, sound, room, sector, ranges)
    noise_db = None if ranges.noise_db is None else float(rng.uniform(*ranges.noise_db))
    return Scene(seed=int(rng.integers(2**31)), sources=(source,), room=room, noise_db=noise_db)


def _source(rng: np.random.Generator, sound: Sound, room: Room | None, sector: int, ranges: SceneRanges) -> Source:
    low_db, high_db = ranges.gain_db
    gain_db = float(rng.uniform(low_db, high_db)) if low_db < high_db else low_db
    if ranges.moving and rng.random() < ranges.moving:
        path = _path(rng, room, sector, ranges, duration_s=sound.duration_s)
        return Source.along(path, sound_id=sound.id, caption=sound.captions[0], gain_db=gain_db)
    place = _position(rng, room, sector, ranges)
    return Source(sound_id=sound.id, caption=sound.captions[0], gain_db=gain_db, **place._asdict())


def _position(rng: np.random.Generator, room: Room | None, sector: int, ranges: SceneRanges) -> Position:
    centre_deg = _CENTRES_DEG[sector]
    azimuth_range = (centre_deg - ranges.jitter_deg, centre_deg + ranges.jitter_deg)
    elevation_range = (-ranges.elevation_deg, ranges.elevation_deg)
    if room is None:
        return Position(float(wrap_deg(rng.uniform(*azimuth_range))), float(rng.uniform(*elevation_range)), 1.0)
    return sample_position(rng, room, azimuth_range, elevation_range, nearest_m=ranges.nearest_m)


def _path(
    rng: np.random.Generator, room: Room | None, sector: int, ranges: SceneRanges, *, duration_s: float
) -> list[Waypoint]:
    """A straight walk from the sector towards another one that passes the microphone at a distance."""
    nearest_m = ranges.nearest_m if room is not None else _NEAREST_IN_FREE_FIELD_M
    for _ in range(_WALKS):
        end_sector = int((sector + rng.integers(1, 8)) % 8)
        start, end = (_position(rng, room, at, ranges).vector_m for at in (sector, end_sector))
        dense = start + np.linspace(0, 1, 101)[:, None] * (end - start)
        if np.linalg.norm(dense, axis=1).min() >= nearest_m:
            reached = min(1.0, _FASTEST_M_S * duration_s / float(np.linalg.norm(end - start)))
            return _waypoints(start, start + reached * (end - start), duration_s=duration_s)
    raise InputError(
        f"no walk of {_WALKS} drawn keeps {nearest_m} m from the microphone; lower nearest_m or make rooms larger."
    )


def _waypoints(
    start: Float64[np.ndarray, " 3"], end: Float64[np.ndarray, " 3"], *, duration_s: float
) -> list[Waypoint]:
    """Places along a line that are so near each other that fading between them is moving."""
    dense = np.linspace(start, end, 101)
    unit = dense / np.linalg.norm(dense, axis=1, keepdims=True)
    turned_deg = float(angle_between_deg(unit[:-1], unit[1:]).sum())
    steps = math.ceil(max(turned_deg / _STEP_DEG, float(np.linalg.norm(end - start)) / _STEP_M, 1))
    places = np.linspace(start, end, steps + 1)
    times = np.linspace(0, duration_s, steps + 1).tolist()
    return [_waypoint(time_s, place) for time_s, place in zip(times, places, strict=True)]


def _waypoint(time_s: float, place: Float64[np.ndarray, " 3"]) -> Waypoint:
    direction = Direction.from_vector(place)
    return Waypoint(time_s, direction.azimuth_deg, direction.elevation_deg, float(np.linalg.norm(place)))
