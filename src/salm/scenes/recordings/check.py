"""Is a copy of a set in the frame that its labels are in? The un-learned direction of the audio against the labels.

A swapped channel or a mirrored label is silent: everything runs, and left is right. A source that is alone for a while
tells, since its intensity points to it. If that agrees with the labels as the files are read, both are in one frame; if
it agrees better after another reading of the channels, that reading is the right one.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from salm.audio.intensity import intensity_direction
from salm.frame import angle_between_deg, unit_vector
from salm.scenes.recordings.base import RecordingSet
from salm.scenes.recordings.single import Stretch, heard_in, spread_stretches

__all__ = ["FRAMES", "frame_errors"]

# Rows are what x, y and z are made of, of those that were read.
_MATRICES = {
    "as read": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "channels are W, X, Y, Z": [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    "left and right swapped": [[1, 0, 0], [0, -1, 0], [0, 0, 1]],
    "front and back swapped": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "turned by 180 degrees": [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
    "azimuth from the right": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
}

FRAMES: Mapping[str, Float64[np.ndarray, "3 3"]] = MappingProxyType(
    {name: np.array(matrix, np.float64) for name, matrix in _MATRICES.items()}
)
"""Readings that are compared: what turns a direction of the audio, x, y and z, into the frame of the labels.

W, X, Y, Z is said of files that were read as W, Y, Z, X."""


def frame_errors(recordings: RecordingSet, *, min_s: float = 1.0, limit: int = 100) -> dict[str, float]:
    """Median angle in degrees between the labels and the un-learned direction of the audio, by reading.

    In rooms a few degrees to some twenty are usual for the right reading, and sixty and more for a wrong one; with
    sources that all are near one axis several readings agree. Labels without an elevation count as level.

    Parameters
    ----------
    recordings
        The set.
    min_s
        Shortest stretch with a single source, in seconds.
    limit
        Most stretches that are listened to, spread over the set.

    Raises
    ------
    InputError
        If there is no such stretch, or a file cannot be read.
    """
    stretches = spread_stretches(recordings, min_s=min_s, limit=limit)
    pairs = [_heard_and_labelled(recordings, stretch) for stretch in stretches]
    heard, labelled = (np.stack(side) for side in zip(*pairs, strict=True))
    return {name: float(np.median(angle_between_deg(heard @ turn.T, labelled))) for name, turn in FRAMES.items()}


def _heard_and_labelled(
    recordings: RecordingSet, stretch: Stretch
) -> tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, " 3"]]:
    recording = recordings.read(stretch.item.id)
    samples = heard_in(stretch, recording).samples
    heard = np.asarray(intensity_direction(samples, recording.rate_hz).vector, np.float64)
    return heard, unit_vector(stretch.label.azimuth_deg, stretch.label.elevation_deg or 0.0)
