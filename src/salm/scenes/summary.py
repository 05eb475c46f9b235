"""What is in a set of scenes, in numbers: one pass over them, in the memory of their different captions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from salm.acoustics.room import Room
from salm.frame import SECTORS, elevation_band
from salm.scenes.histogram import Histogram, Tally
from salm.scenes.scene import Scene, Source

__all__ = ["SceneSummary", "summarise"]

_BANDS = ("above", "level", "below")


@dataclass(frozen=True, kw_only=True)
class SceneSummary:
    """Numbers of a set of scenes. Directions, distances, gains and captions are of every source of every scene."""

    scenes: int
    free_field: int
    """Scenes without a room."""
    simulated: int
    """Scenes in a simulated room."""
    measured: int
    """Scenes through measured responses."""
    responses: dict[str, int]
    """Scenes through each set of measured responses."""
    sources: dict[int, int]
    """Scenes by how many sources they have."""
    moving: int
    """Sources that move; their direction and distance are the means over their path."""
    sectors: dict[str, int]
    """Sources in each sector of 45 degrees, by its listener word."""
    heights: dict[str, int]
    """Sources above, level and below."""
    azimuth_deg: Histogram
    """Six bins a sector, whose borders are among the edges."""
    elevation_deg: Histogram
    distance_m: Histogram
    gain_db: Histogram
    rt60_s: Histogram
    """Of each simulated scene's room, the mean of 500 and 1000 Hz."""
    floor_area_m2: Histogram
    volume_m3: Histogram
    noise_db: Histogram
    """Level of the sensor noise relative to the sound; unknown counts the scenes without."""
    ambience_snr_db: Histogram
    """Level of the sources over that of the background; unknown counts the scenes without."""
    duration_s: Histogram
    """Unknown counts the scenes that are as long as their sounds."""
    captions: int
    """How many different ones."""
    common_captions: tuple[tuple[str, int], ...]
    """The most common captions with their number."""

    def to_dict(self) -> dict[str, Any]:
        """Plain form, ready for JSON."""
        plain = {name: value.to_dict() if isinstance(value, Histogram) else value for name, value in vars(self).items()}
        return {
            **plain,
            "sources": {str(number): count for number, count in self.sources.items()},
            "common_captions": [{"caption": caption, "count": count} for caption, count in self.common_captions],
        }


def summarise(scenes: Iterable[Scene], *, common: int = 12) -> SceneSummary:
    """Numbers of scenes that come one at a time.

    Parameters
    ----------
    scenes
        Any number, also none.
    common
        How many of the most common captions are kept.
    """
    counts = _Counts()
    for scene in scenes:
        counts.add(scene)
    return counts.summary(common)


class _Counts:
    def __init__(self) -> None:
        self.kinds, self.responses, self.sources = Counter[str](), Counter[str](), Counter[int]()
        self.sectors, self.heights, self.captions = Counter[str](), Counter[str](), Counter[str]()
        self.moving = 0
        self.tallies = {
            # 7.5 degrees, so that sectors begin and end with a bin.
            "azimuth_deg": Tally(-180, 180, width=7.5, bins=None),
            "elevation_deg": Tally(-90, 90, width=5, bins=None),
            "distance_m": Tally(0, 100, width=0.25),
            "gain_db": Tally(-100, 60, width=1),
            "rt60_s": Tally(0, 20, width=0.05),
            "floor_area_m2": Tally(0, 10_000, width=5),
            "volume_m3": Tally(0, 100_000, width=10),
            "noise_db": Tally(-150, 50, width=1),
            "ambience_snr_db": Tally(-100, 150, width=1),
            "duration_s": Tally(0, 3600, width=0.5),
        }

    def add(self, scene: Scene) -> None:
        self.kinds["simulated" if scene.room else "measured" if scene.responses is not None else "free_field"] += 1
        self.sources[len(scene.sources)] += 1
        if scene.responses is not None:
            self.responses[scene.responses] += 1
        if scene.room is not None:
            length, width, _ = scene.room.size_m
            self.tallies["rt60_s"].add(_rt60_s(scene.room))
            self.tallies["floor_area_m2"].add(length * width)
            self.tallies["volume_m3"].add(scene.room.volume_m3)
        self.tallies["noise_db"].add(scene.noise_db)
        self.tallies["ambience_snr_db"].add(None if scene.ambience is None else scene.ambience.snr_db)
        self.tallies["duration_s"].add(scene.duration_s)
        for source in scene.sources:
            self._add_source(source)

    def _add_source(self, source: Source) -> None:
        self.sectors[SECTORS[source.sector]] += 1
        self.heights[elevation_band(source.elevation_deg)] += 1
        self.captions[source.caption] += 1
        self.moving += bool(source.path)
        for name in ("azimuth_deg", "elevation_deg", "distance_m", "gain_db"):
            self.tallies[name].add(getattr(source, name))

    def summary(self, common: int) -> SceneSummary:
        # Equally common ones in alphabetical order: which come first must not hang on the order of the scenes.
        commonest = sorted(self.captions.items(), key=lambda item: (-item[1], item[0]))[:common]
        return SceneSummary(
            scenes=self.kinds.total(),
            free_field=self.kinds["free_field"],
            simulated=self.kinds["simulated"],
            measured=self.kinds["measured"],
            responses=dict(self.responses.most_common()),
            sources=dict(sorted(self.sources.items())),
            moving=self.moving,
            sectors={word: self.sectors[word] for word in SECTORS},
            heights={band: self.heights[band] for band in _BANDS},
            captions=len(self.captions),
            common_captions=tuple(commonest),
            **{name: tally.histogram() for name, tally in self.tallies.items()},
        )


@lru_cache(maxsize=8)
def _rt60_s(room: Room) -> float:
    """Of a room, which neighbouring scenes often share."""
    return room.mid_rt60_s
