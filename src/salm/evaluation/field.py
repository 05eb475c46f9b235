"""Labelled recordings: how well directions are found where one source sounds alone.

Each stretch with a single source is heard as a recording of its own. Of a source that moves the truth is the mean
direction, and so is the answer the mean over the windows; labels without an elevation count as level. Both are counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import Float, Int

from salm.audio.recording import resample
from salm.evaluation.bench import Progress, quietly
from salm.evaluation.gallery import Baselines, Foa, HeardScenes, hear_beside_baselines
from salm.evaluation.intervals import Tree, clustered
from salm.evaluation.localisation import beside_baselines
from salm.evaluation.zero_shot import zero_shot_figures
from salm.frame import unit_vector
from salm.model.inference import Model
from salm.scenes.recordings import RecordingSet, Stretch, heard_in, spread_stretches

__all__ = ["FieldSet", "field_figures", "hear_stretches"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldSet:
    """What a model and the baselines make of stretches of labelled recordings."""

    stretches: tuple[Stretch, ...]
    heard: HeardScenes
    baselines: Baselines

    @property
    def true(self) -> Float[np.ndarray, "stretch 3"]:
        """Unit vectors of the labels."""
        labels = [stretch.label for stretch in self.stretches]
        return np.stack([unit_vector(label.azimuth_deg, label.elevation_deg or 0.0) for label in labels])

    @property
    def files(self) -> Int[np.ndarray, " stretch"]:
        """Number of the file that each stretch is of."""
        numbers = {name: number for number, name in enumerate({s.item.id: None for s in self.stretches})}
        return np.array([numbers[stretch.item.id] for stretch in self.stretches], int)


def hear_stretches(
    model: Model, recordings: RecordingSet, *, min_s: float, limit: int, progress: Progress = quietly
) -> FieldSet:
    """Hear stretches with a single source.

    Parameters
    ----------
    min_s
        Shortest stretch, in seconds.
    limit
        Most stretches that are heard, evenly spread over the set; at least 1.

    Raises
    ------
    InputError
        If there is no such stretch, or a file cannot be read or is shorter than its labels.
    """
    chosen = spread_stretches(recordings, min_s=min_s, limit=limit)
    heard, baselines = hear_beside_baselines(model, _samples(model, recordings, progress(chosen, "recordings")))
    return FieldSet(stretches=tuple(chosen), heard=heard, baselines=baselines)


def field_figures(field: FieldSet, sentences: Float[np.ndarray, "sector width"]) -> dict[str, Tree]:
    """``localisation``, ``baselines`` and, by sentences about the sectors, ``zero_shot``, with intervals by file."""
    zero_shot = zero_shot_figures(field.heard.embeddings, sentences, field.true)
    return {
        **beside_baselines(field.heard.direction, field.baselines, field.true, field.files),
        "zero_shot": clustered(zero_shot, field.files),
    }


def _samples(model: Model, recordings: RecordingSet, stretches: Iterable[Stretch]) -> Iterator[Foa]:
    """Each stretch at the model's rate; every file is read once."""
    rate_hz = model.config.features.rate_hz
    for item_id, own in groupby(stretches, key=lambda stretch: stretch.item.id):
        recording = recordings.read(item_id)
        for stretch in own:
            yield resample(heard_in(stretch, recording), rate_hz).samples
