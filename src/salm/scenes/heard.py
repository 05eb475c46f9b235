"""What a window hears of a scene: its sources cut to the window, and the whole field turned or mirrored."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from salm.audio.rotate import mirror_left_right, yaw
from salm.frame import Direction, wrap_deg
from salm.scenes.scene import Scene, Source, Waypoint

__all__ = ["UNTURNED", "Turn", "within"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A sound field turned around the vertical axis, after it may have been mirrored left to right."""

    counterclockwise_deg: float = 0.0
    mirrored: bool = False

    def field(self, samples: Float32[np.ndarray, "4 time"]) -> Float32[np.ndarray, "4 time"]:
        """The sound field, turned."""
        samples = mirror_left_right(samples) if self.mirrored else samples
        return yaw(samples, self.counterclockwise_deg) if self.counterclockwise_deg else samples

    def source(self, source: Source) -> Source:
        """The source, where it is heard in the turned field."""
        path = tuple(place._replace(azimuth_deg=self._azimuth_deg(place.azimuth_deg)) for place in source.path)
        return replace(source, azimuth_deg=self._azimuth_deg(source.azimuth_deg), path=path)

    def _azimuth_deg(self, azimuth_deg: float) -> float:
        return float(wrap_deg((-azimuth_deg if self.mirrored else azimuth_deg) + self.counterclockwise_deg))


UNTURNED = Turn()


def within(scene: Scene, duration_s: float) -> Scene:
    """A scene as it is heard in the given time from its beginning, if something in it moves; any other as it is.

    Of something that moves, a window from elsewhere would hear another way than the path's.
    """
    if not any(source.path for source in scene.sources):
        return scene
    return replace(scene, duration_s=duration_s, sources=tuple(_until(source, duration_s) for source in scene.sources))


def _until(source: Source, end_s: float) -> Source:
    """The source with its path cut off."""
    if not source.path or source.path[-1].time_s <= end_s:
        return source
    before = [place for place in source.path if place.time_s < end_s]
    after = source.path[len(before)]
    share = (end_s - before[-1].time_s) / (after.time_s - before[-1].time_s)
    vector = (1 - share) * before[-1].place.vector_m + share * after.place.vector_m
    direction = Direction.from_vector(vector)
    last = Waypoint(end_s, direction.azimuth_deg, direction.elevation_deg, float(np.linalg.norm(vector)))
    values = {
        name: value
        for name, value in vars(source).items()
        if name not in ("path", "azimuth_deg", "elevation_deg", "distance_m")
    }
    return Source.along([*before, last], **values)
