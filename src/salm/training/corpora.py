"""The corpora of a training run, opened and split."""

from dataclasses import dataclass
from typing import Any

from salm.scenes.corpora.base import Corpus
from salm.scenes.corpora.folder import FolderCorpus
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.training.config import CorpusConfig, TrainConfig

__all__ = ["OpenCorpora", "open_corpora"]


@dataclass(frozen=True, kw_only=True)
class OpenCorpora:
    """Corpora with the share of items drawn from each."""

    train: tuple[tuple[Corpus, float], ...]
    validation: tuple[tuple[Corpus, float], ...]

    def batch_arguments(self, config: TrainConfig) -> dict[str, Any]:
        """What :class:`salm.scenes.dataset.SceneBatches` is made from, but for the model's part."""
        features = config.model.features
        return {
            "corpora": self.train,
            "window_samples": features.window_samples,
            "rate_hz": features.rate_hz,
            "batch_size": config.batch_size,
            "batches": config.steps,
            "seed": config.seed,
            "scene_ranges": config.scenes,
            "window_ranges": config.windows,
            "facing": config.model.facing,
        }


def open_corpora(config: TrainConfig) -> OpenCorpora:
    """Training and validation splits of every corpus of a run."""
    return OpenCorpora(
        train=tuple((_open(corpus, "train"), corpus.share) for corpus in config.corpora),
        validation=tuple((_open(corpus, "val"), corpus.share) for corpus in config.corpora),
    )


def _open(config: CorpusConfig, split: str) -> Corpus:
    if config.folder is None:
        return ProceduralCorpus(per_kind=config.per_kind, split=split)
    return FolderCorpus(config.folder, keep_in_memory=True).select(split=split, rows=config.rows)
