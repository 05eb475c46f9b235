"""Shoebox rooms: size, walls, microphone, and where sources may stand."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from salm.acoustics._bands import BAND_CENTRES_HZ, SPEED_OF_SOUND_M_S, air_attenuation
from salm.acoustics._materials import CEILINGS, FLOORS, WALLS
from salm.errors import InputError
from salm.frame import unit_vector, wrap_deg

__all__ = ["SURFACES", "Position", "Room", "anechoic", "sample_position", "sample_room"]

SURFACES = ("x0", "x1", "y0", "y1", "z0", "z1")
"""Order of the surfaces: at x = 0 (behind), at x = length (front), y = 0 (right), y = width (left), floor, ceiling."""

Point = tuple[float, float, float]

_DRAWS = 1000

# The number of images goes with one over the volume.
_LEAST_M, _MOST_M = 0.5, 1000.0

_MATERIALS = tuple(np.array(list(materials.values())) for materials in (WALLS, WALLS, WALLS, WALLS, FLOORS, CEILINGS))
_AIR_ATTENUATION = air_attenuation(BAND_CENTRES_HZ)


@dataclass(frozen=True, kw_only=True)
class Room:
    """A shoebox with one corner in the origin; its axes are those of `salm.frame`, seen from the microphone.

    Whatever sequences the fields are given as, they are kept as tuples: rooms compare equal and serve as keys.

    Raises
    ------
    InputError
        If a side is less than half a metre or more than a kilometre, an absorption lies outside 0 to 1, or the
        microphone is not inside the room.
    """

    size_m: Sequence[float]
    """Length (x, to the front), width (y, to the left) and height (z, up)."""
    absorption: Sequence[Sequence[float]]
    """Share of the energy that each of the six `SURFACES` absorbs in each octave band from 62.5 to 8000 Hz."""
    microphone_m: Sequence[float]
    """From the corner in the origin."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_m", _floats(self.size_m))
        object.__setattr__(self, "microphone_m", _floats(self.microphone_m))
        object.__setattr__(self, "absorption", tuple(_floats(surface) for surface in self.absorption))
        if len(self.size_m) != 3 or not all(_LEAST_M <= side <= _MOST_M for side in self.size_m):
            raise InputError(f"a room's size_m is three lengths from {_LEAST_M} to {_MOST_M:.0f} m, not {self.size_m}.")
        _check_absorption(self.absorption)
        if not self.contains(self.microphone_m):
            raise InputError(f"the microphone at {self.microphone_m} m is outside the room of {self.size_m} m.")

    @property
    def volume_m3(self) -> float:
        """Length times width times height."""
        return math.prod(self.size_m)

    @property
    def surface_areas_m2(self) -> Float64[np.ndarray, " 6"]:
        """Area of each of the `SURFACES`."""
        length, width, height = self.size_m
        return np.repeat([width * height, length * height, length * width], 2)

    @property
    def decay_rates_hz(self) -> Float64[np.ndarray, " 8"]:
        """Rate at which the energy of a diffuse field decays in each band (Eyring, with air).

        delta = c (-S ln(1 - a) + 8 m V) / (4 V): a is the mean absorption of the walls and m the attenuation of
        amplitude by air. Energy goes with exp(-delta t).
        """
        areas, volume = self.surface_areas_m2, self.volume_m3
        surface = areas.sum()
        mean = areas @ np.asarray(self.absorption) / surface
        # The floor keeps the rate of an anechoic room finite, and with it every product with time.
        walls = -surface * np.log(np.maximum(1 - mean, 1e-30))
        air = 8 * _AIR_ATTENUATION * volume
        return np.asarray(SPEED_OF_SOUND_M_S * (walls + air) / (4 * volume))

    @property
    def rt60_s(self) -> Float64[np.ndarray, " 8"]:
        """Time in which the energy of each band falls by 60 dB, by `decay_rates_hz`."""
        return np.asarray(6 * np.log(10) / self.decay_rates_hz)

    @property
    def mid_rt60_s(self) -> float:
        """Mean of `rt60_s` at 500 and 1000 Hz, the single figure that rooms are described by (ISO 3382)."""
        return float(self.rt60_s[3:5].mean())

    def contains(self, position_m: Iterable[float]) -> bool:
        """Whether a point is inside the room, not on a wall."""
        point = tuple(position_m)
        return len(point) == 3 and all(0 < at < side for at, side in zip(point, self.size_m, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Room":
        """Room from its plain form.

        Raises
        ------
        InputError
            If a field is missing or unknown, or describes no room.
        """
        try:
            return cls(**plain)
        except TypeError as error:
            raise InputError(f"this does not describe a room: {error}.") from error


class Position(NamedTuple):
    """Where a source is, seen from the microphone."""

    azimuth_deg: float
    elevation_deg: float
    distance_m: float

    @property
    def vector_m(self) -> Float64[np.ndarray, " 3"]:
        """Metres from the microphone."""
        return self.distance_m * unit_vector(self.azimuth_deg, self.elevation_deg)

    def in_room(self, room: Room) -> Point:
        """Metres from the corner of a room in the origin."""
        x, y, z = room.microphone_m + self.vector_m
        return float(x), float(y), float(z)


def anechoic(*, size_m: Point = (40.0, 40.0, 40.0)) -> Room:
    """Room whose walls absorb everything, the microphone at its centre: the free field, in air."""
    length, width, height = size_m
    return Room(size_m=size_m, absorption=((1.0,) * 8,) * 6, microphone_m=(length / 2, width / 2, height / 2))


def sample_room(
    rng: np.random.Generator,
    *,
    length_m: tuple[float, float] = (4.0, 20.0),
    height_m: tuple[float, float] = (3.0, 10.0),
    rt60_s: tuple[float, float] = (0.1, 1.5),
    jitter: float = 0.03,
) -> Room:
    """Draw a room: uniform sides, two materials mixed on each surface, the microphone near the centre.

    Parameters
    ----------
    rng
        Source of randomness.
    length_m
        Range of length and of width.
    height_m
        Range of height.
    rt60_s
        Range of `Room.mid_rt60_s`; rooms outside it are drawn again.
    jitter
        Largest offset of the microphone from the centre as a share of each side, below 0.5; 0 is the paper. A small
        offset keeps the mirror images of opposite walls from arriving together.

    Raises
    ------
    InputError
        If 1000 draws give no room with such a reverberation time.
    """
    if not 0 <= jitter < 0.5:
        raise InputError(f"jitter is {jitter} but must be at least 0 and below 0.5.")
    for _ in range(_DRAWS):
        size = np.array([rng.uniform(*length_m), rng.uniform(*length_m), rng.uniform(*height_m)])
        absorption = _sample_absorption(rng)
        microphone = size * (0.5 + rng.uniform(-jitter, jitter, 3))
        room = Room(size_m=size.tolist(), absorption=absorption.tolist(), microphone_m=microphone.tolist())
        if rt60_s[0] <= room.mid_rt60_s <= rt60_s[1]:
            return room
    raise InputError(f"no room of {_DRAWS} drawn has an RT60 within {rt60_s} s; widen rt60_s or change the sizes.")


def sample_position(
    rng: np.random.Generator,
    room: Room,
    azimuth_deg: float | tuple[float, float] = (-180.0, 180.0),
    elevation_deg: float | tuple[float, float] = (-45.0, 45.0),
    *,
    nearest_m: float = 1.0,
    wall_m: float = 0.5,
) -> Position:
    """Draw where a source stands: a direction, then a distance for which it fits into the room.

    Parameters
    ----------
    rng
        Source of randomness.
    room
        The room, with its microphone.
    azimuth_deg, elevation_deg
        An angle, or the two ends of a range to draw from uniformly; an azimuth range may pass 180.
    nearest_m
        Smallest distance from the microphone. The largest is half the room's longest side.
    wall_m
        Smallest distance from every surface.

    Raises
    ------
    InputError
        If no direction of 1000 drawn leaves room for a source.
    """
    for _ in range(_DRAWS):
        azimuth = rng.uniform(*_ends(azimuth_deg))
        elevation = rng.uniform(*_ends(elevation_deg))
        farthest = min(max(room.size_m) / 2, _distance_to_walls(room, unit_vector(azimuth, elevation), wall_m=wall_m))
        if farthest >= nearest_m:
            return Position(float(wrap_deg(azimuth)), float(elevation), float(rng.uniform(nearest_m, farthest)))
    raise InputError(
        f"a room of {room.size_m} m has no place {nearest_m} m from the microphone and {wall_m} m from the walls at "
        f"azimuth {azimuth_deg}, elevation {elevation_deg}."
    )


def _ends(angle_deg: float | tuple[float, float]) -> tuple[float, float]:
    return angle_deg if isinstance(angle_deg, tuple) else (angle_deg, angle_deg)


def _distance_to_walls(room: Room, direction: Float64[np.ndarray, " 3"], *, wall_m: float) -> float:
    """Distance along a direction at which the first wall is `wall_m` away; negative if it is nearer already."""
    axes = zip(room.size_m, room.microphone_m, direction.tolist(), strict=True)
    return float(min(((side - at if step > 0 else at) - wall_m) / abs(step) for side, at, step in axes if step))


def _sample_absorption(rng: np.random.Generator) -> Float64[np.ndarray, "6 8"]:
    """On each surface two materials in random shares, each band a little off its textbook value."""
    pairs, shares, deviations = np.empty((6, 2, 8)), np.empty((6, 1)), np.empty((6, 8))
    for surface, materials in enumerate(_MATERIALS):
        pairs[surface] = materials[rng.integers(len(materials))], materials[rng.integers(len(materials))]
        shares[surface] = rng.uniform()
        deviations[surface] = rng.normal(0, 0.15, 8)
    mixed = (shares * pairs[:, 0] + (1 - shares) * pairs[:, 1]) * np.exp(deviations)
    return np.asarray(np.minimum(np.maximum(mixed, 0.005), 0.99))


def _check_absorption(absorption: Sequence[Sequence[float]]) -> None:
    if len(absorption) != len(SURFACES) or any(len(surface) != len(BAND_CENTRES_HZ) for surface in absorption):
        lengths = [len(surface) for surface in absorption]
        raise InputError(f"absorption needs 6 surfaces of 8 octave bands each; got surfaces of lengths {lengths}.")
    for name, surface in zip(SURFACES, absorption, strict=True):
        if not all(0 <= share <= 1 for share in surface):
            raise InputError(f"absorption of surface {name} must lie between 0 and 1; got {surface}.")


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(map(float, values))
