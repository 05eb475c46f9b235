"""Fine-tuning on somebody's own sounds: settings that suit a few dozen of them, and what it was good for.

The settings were chosen by measurement (`docs/train.md`). Half of what is trained on are the built-in sounds, so that
the model does not forget the world beyond the new sounds.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from salm.evaluation.bench import Bench, Progress, quietly, set_up
from salm.evaluation.gallery import true_directions
from salm.evaluation.intervals import Figure, Tree, intervals, plain
from salm.evaluation.retrieval import cosine_similarities, ranks
from salm.frame import angle_between_deg
from salm.model.hub import read_config, resolve
from salm.model.inference import Model, load
from salm.scenes.corpora import open_corpus
from salm.scenes.corpora.base import Corpus
from salm.scenes.dataset import WindowRanges
from salm.scenes.sample import SceneRanges
from salm.training.config import HELD_OUT, CorpusConfig, TrainConfig
from salm.training.corpora import open_corpora
from salm.training.losses import LossWeights
from salm.whole import written_whole

__all__ = ["compare", "fine_tuning"]

REPORT_NAME = "fine_tuning.json"

_PLACES, _SCENES, _KNOWN_PER_KIND = 8, 160, 10


def fine_tuning(init: str | Path, data: str | Path) -> TrainConfig:
    """A run of some minutes that teaches a model somebody's own sounds.

    Parameters
    ----------
    init
        The model, as :func:`salm.model.hub.load` takes it.
    data
        A folder with ``manifest.csv``, or a CSV table beside its sounds.

    Raises
    ------
    InputError
        If there is no such model.
    """
    model = read_config(resolve(init))
    return TrainConfig(
        model=model,
        corpora=(
            CorpusConfig(folder=str(data), held_out=HELD_OUT, share=0.5),
            CorpusConfig(per_kind=20, share=0.5),
        ),
        losses=LossWeights(sentence=0.25, labels=0.25 if model.pair == "tagger_htsat" else 0.0),
        scenes=SceneRanges(anechoic=0.1, noise_db=(-65.0, -25.0)),
        windows=WindowRanges(attribute_words={"elevation": 0.1}),
        batch_size=32,
        rivals=3,
        steps=120,
        warmup_steps=15,
        learning_rate=3e-4,
        weight_decay=0.05,
        bfloat16=False,
        log_steps=10,
        checkpoint_steps=30,
        validation_steps=120,
        validation_scenes=80,
        # The held-out sounds are too few to choose by and to report on.
        best_by=None,
    )


def compare(
    before: str | Path, after: str | Path, config: TrainConfig, *, device: str = "cpu", progress: Progress = quietly
) -> dict[str, Any]:
    """What a model knew and knows of the held-out sounds and of built-in ones; stored beside the new model as well.

    Parameters
    ----------
    before, after
        The model that the run started from, and the folder of the one that it ended with.
    config
        The run.
    progress
        As in :func:`salm.evaluation.protocol.evaluate`.

    Returns
    -------
    dict
        ``held_out`` and ``forgetting``, each with the number of ``sounds``, ``captions`` to choose from and ``scenes``,
        and for ``before`` and ``after``: ``semantic`` and ``spatial`` recall at 1 both ways, ``mean_deg``, and
        ``intervals`` of the same names. Intervals are over sounds, of which there may be few.

    Raises
    ------
    InputError
        If a model or a sound cannot be read.
    """
    corpora = open_corpora(config)
    own = open_corpus(config.corpora[0].folder, split=None, layout=config.corpora[0].layout)
    known = open_corpus(None, split="test", per_kind=_KNOWN_PER_KIND)
    heard: dict[str, tuple[Corpus, Corpus]] = {"held_out": (corpora.validation, own), "forgetting": (known, known)}
    models = {"before": load(before, device=device), "after": load(after, device=device)}
    report = {name: _told(*parts, models, seed=config.seed, progress=progress) for name, parts in heard.items()}
    with written_whole(Path(after) / REPORT_NAME) as part:
        part.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _told(corpus: Corpus, said: Corpus, models: dict[str, Model], *, seed: int, progress: Progress) -> dict[str, Any]:
    captions = sorted({sound.caption for sound in said.sounds})
    scenes = max(2, min(_SCENES, _PLACES * len(corpus.sounds)))
    told: dict[str, Any] = {"sounds": len(corpus.sounds), "captions": len(captions), "scenes": scenes}
    for name, model in models.items():
        figures = _figures(set_up(model, corpus, scenes=scenes, seed=seed, progress=progress), captions)
        told[name] = {**plain(figures), "intervals": intervals(figures, seed=seed)}
    return told


def _figures(bench: Bench, captions: Sequence[str]) -> Tree:
    sounds = {sound.id: sound for sound in bench.corpus.sounds}
    ids = [scene.sources[0].sound_id for scene in bench.scenes]
    joint, semantic, _ = bench.heard.embeddings
    gallery = list(bench.gallery)
    described = np.array([[caption in sounds[name].captions for caption in captions] for name in ids])
    error_deg = angle_between_deg(bench.heard.direction, true_directions(bench.scenes))
    return {
        "semantic": _recalls(semantic, bench.model.embed_text(captions), described, _by(ids), Figure),
        "spatial": _recalls(
            joint[gallery],
            bench.unseen,
            np.eye(len(gallery), dtype=bool),
            *[_by([ids[index] for index in gallery])] * 2,
        ),
        "mean_deg": _by(ids)(np.asarray(error_deg)),
    }


Values = Float[np.ndarray, " item"] | Bool[np.ndarray, " item"]


def _recalls(
    audio: Float[np.ndarray, "audio width"],
    text: Float[np.ndarray, "text width"],
    positives: Bool[np.ndarray, "audio text"],
    of_audio: Callable[[Values], Figure],
    of_text: Callable[[Values], Figure],
) -> dict[str, Figure]:
    similarities = cosine_similarities(audio, text)
    return {
        "text_to_audio_r1": of_text(ranks(similarities.T, positives.T) < 1),
        "audio_to_text_r1": of_audio(ranks(similarities, positives) < 1),
    }


def _by(sounds: Sequence[str]) -> Callable[[Values], Figure]:
    """Figures of one value a sound, the mean over its scenes: scenes of one sound are no independent trials."""
    names = np.array(sounds)
    return lambda values: Figure(np.array([np.mean(values[names == name]) for name in sorted(set(sounds))]))
