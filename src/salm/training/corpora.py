"""The corpora of a training run, opened and split."""

from dataclasses import dataclass
from typing import Any

from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.source import FreshScenes
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
            "source": FreshScenes(self.train, config.scenes),
            "window_samples": features.window_samples,
            "rate_hz": features.rate_hz,
            "batch_size": config.batch_size,
            "batches": config.steps,
            "seed": config.seed,
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
    return open_corpus(config.folder, split=split, rows=config.rows, per_kind=config.per_kind, keep_in_memory=True)
