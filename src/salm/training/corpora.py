"""The scenes of a training run, and the sounds that it is validated on."""

from dataclasses import dataclass
from typing import Any

from salm.acoustics.measured.base import ResponseSet
from salm.errors import InputError
from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.source import FixedScenes, FreshScenes, SceneSource
from salm.scenes.storage import SceneTable
from salm.training.config import CorpusConfig, TrainConfig
from salm.training.held_out import in_two

__all__ = ["OpenCorpora", "open_corpora"]


@dataclass(frozen=True, kw_only=True)
class OpenCorpora:
    """Where a run's scenes come from."""

    source: SceneSource
    """What is trained on."""
    validation: Corpus
    """Whose sounds scenes for validation and calibration are drawn of."""

    def batch_arguments(self, config: TrainConfig) -> dict[str, Any]:
        """What :class:`salm.scenes.dataset.SceneBatches` is made from, but for the model's and the processes' part."""
        features = config.model.features
        return {
            "source": self.source,
            "window_samples": features.window_samples,
            "rate_hz": features.rate_hz,
            "batch_size": config.batch_size,
            "seed": config.seed,
            "window_ranges": config.windows,
            "facing": config.model.facing,
        }


def open_corpora(config: TrainConfig) -> OpenCorpora:
    """The scenes of a run: of its fixed scenes if there are any, otherwise drawn from its corpora.

    Raises
    ------
    InputError
        If one of them cannot be read, or has not the splits that are asked for.
    """
    if config.scene_files:
        responses = _responses_of_files(config)
        source = FixedScenes.open(
            config.scene_files,
            splits=config.splits,
            seed=config.seed,
            captions=config.spatial_captions,
            responses=responses,
        )
        for table in source.tables:
            table.check_responses(responses)
        _check_facing(source, config.model.facing)
        head = SceneTable(config.scene_files[0]).head
        held_out = open_corpus(head["corpus"], split=config.validation_split, layout=head["layout"])
        return OpenCorpora(source=source, validation=held_out)
    train = [(_open(corpus, "train", config.seed), corpus.share) for corpus in config.corpora]
    held_out = _open(config.corpora[0], config.validation_split, config.seed)
    measured = None if config.responses is None else (config.responses.open(), config.responses.share)
    return OpenCorpora(source=FreshScenes(train, config.scenes, measured=measured), validation=held_out)


def _responses_of_files(config: TrainConfig) -> ResponseSet | None:
    """The one set of measured responses of all files of scenes: what the run names, or else what they do."""
    if config.responses is not None:
        return config.responses.open()
    naming = [table for table in map(SceneTable, config.scene_files) if table.responses is not None]
    if not naming:
        return None
    if other := next((table for table in naming if table.responses != naming[0].responses), None):
        raise InputError(
            f"{naming[0].path} and {other.path} sound through different measured responses; train on one of them."
        )
    return naming[0].open_responses()


def _check_facing(source: FixedScenes, facing: str) -> None:
    """The compass of spatial captions is the model's, or the model would learn another one than it speaks."""
    for captions in source.captions:
        own = captions.head["facing"]
        if captions.head["vocabulary"] == "compass" and own != facing:
            raise InputError(f"{captions.path} has captions facing {own} but the model faces {facing}; make them anew.")


def _open(config: CorpusConfig, split: str, seed: int) -> Corpus:
    if config.folder is not None and config.held_out:
        parts = in_two(_opened(config, None), share=config.held_out, seed=seed)
        return parts[0] if split == "train" else parts[1]
    return _opened(config, split)


def _opened(config: CorpusConfig, split: str | None) -> Corpus:
    return open_corpus(
        config.folder,
        split=split,
        layout=config.layout,
        rows=config.rows,
        per_kind=config.per_kind,
        keep_in_memory=True,
    )
