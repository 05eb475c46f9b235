"""The default protocol: every figure of a model on simulated scenes, each with its interval and its baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from salm.evaluation.bench import Bench, Progress, quietly, set_up
from salm.evaluation.confidence import confidence_figures
from salm.evaluation.controls import controls
from salm.evaluation.editing import changed_sectors, editing_figures
from salm.evaluation.gallery import baseline_directions, draw_scenes, hear_scenes, true_directions, true_sectors
from salm.evaluation.intervals import Figure, Tree, intervals, plain
from salm.evaluation.localisation import in_core, localisation_figures
from salm.evaluation.retrieval import retrieval_figures
from salm.evaluation.zero_shot import nearest_sector
from salm.model.inference import Model
from salm.scenes.corpora.base import Corpus, Sound
from salm.scenes.sample import SceneRanges
from salm.scenes.scene import Scene

__all__ = ["PROTOCOL", "evaluate"]

PROTOCOL: Mapping[str, str] = {
    "name": "default",
    "localisation": "Simulated scenes: one dry sound in a room of its own, azimuth uniform without gaps, elevation "
    "within 45 degrees. The error is the great-circle angle; the core is within 17.5 degrees of a sector's centre.",
    "baselines": "The same scenes without learning: the mean intensity vector, plain and onset-weighted.",
    "retrieval": "Joint embeddings of the gallery against spatial captions, one a scene, in phrasings that were never "
    "trained on; all (caption, sector) pairs are distinct. direction_blind has the semantic embedding instead (text to "
    "audio unless it says otherwise), trained_phrasings the phrasings of training.",
    "semantic": "Semantic embeddings against all different captions of the sounds that are heard, one scene a sound in "
    "the free field; equal captions are all right answers. r1, r5 and r10 are text to audio. semantic_reverberant has "
    "all scenes in their rooms instead.",
    "zero_shot": "Which of eight direction sentences is nearest; each is the mean over the trained phrasings of a "
    "direction.",
    "editing": "The gallery with its spatial embeddings replaced by the direction sentence of the true sector (swap) "
    "or of another one, which the captions then say (change).",
    "controls": "The first scenes once more, robbed of what the figures claim to measure.",
    "confidence": "Plain scenes, and as many with noise, another sound elsewhere, long reverberation, and no direction "
    "at all; a location is right within 20 degrees of a sound.",
    "intervals": "95 %, percentile bootstrap over scenes, or over queries with the gallery as it is; 1000 draws.",
}
"""How each table came about, in words."""


def evaluate(
    model: Model,
    corpus: Corpus,
    *,
    scenes: int = 500,
    seed: int = 0,
    rows: Mapping[str, str] | None = None,
    ranges: SceneRanges | None = None,
    progress: Progress = quietly,
) -> dict[str, Any]:
    """Every table of the default protocol.

    Parameters
    ----------
    corpus
        Sounds of the split to evaluate on.
    scenes
        Number of scenes, at least 2; the gallery is the first 400 distinct ones of them.
    seed
        Of scenes, phrasings, edits and the bootstrap.
    rows
        Which rows of the manifest the corpus was narrowed to; only reported.
    ranges
        What scenes are drawn from.
    progress
        Is handed each list of scenes with a word of what for; :class:`tqdm.tqdm` shows it.

    Returns
    -------
    dict
        ``localisation``, ``baselines``, ``retrieval``, ``zero_shot``, ``editing``, ``controls`` and ``confidence``,
        rates as fractions; ``intervals`` with the same names and ``[low, high]``; ``protocol`` in words; and what was
        evaluated on what.

    Raises
    ------
    InputError
        If the corpus is empty or fewer than 2 scenes are asked for.
    """
    bench = set_up(model, corpus, scenes=scenes, seed=seed, ranges=ranges, progress=progress)
    tables = _tables(bench)
    return {
        "protocol": dict(PROTOCOL),
        "model": model.digest,
        "preset": model.config.name,
        "corpus": corpus.name,
        "split": ", ".join(sorted({sound.split for sound in corpus.sounds})),
        "rows": dict(rows or {}),
        "sounds": len(corpus.sounds),
        "scenes": scenes,
        "gallery": len(bench.gallery),
        "seed": seed,
        "unseen_phrasings": sorted({phrasing.template for phrasing in bench.unseen_phrasings}),
        **plain(tables),
        "intervals": intervals(tables, seed=seed),
    }


def _tables(bench: Bench) -> Tree:
    true, rate_hz = true_directions(bench.scenes), bench.model.config.features.rate_hz
    baselines = baseline_directions(bench.corpus, bench.progress(bench.scenes, "baselines"), rate_hz=rate_hz)
    return {
        "localisation": localisation_figures(bench.heard.direction, true),
        "baselines": {name: localisation_figures(direction, true) for name, direction in baselines.items()},
        "retrieval": _retrieval(bench),
        "zero_shot": _zero_shot(bench, true),
        "editing": _editing(bench),
        "controls": controls(bench),
        "confidence": confidence_figures(
            bench.model, bench.corpus, scenes=len(bench.scenes) // 2, seed=bench.seed, progress=bench.progress
        ),
    }


def _retrieval(bench: Bench) -> Tree:
    joint, semantic, _ = bench.heard.take(bench.gallery).embeddings
    own = np.eye(len(bench.gallery), dtype=bool)
    dry_scenes = draw_scenes(
        bench.corpus,
        count=min(len(bench.scenes), len(bench.corpus.sounds)),
        seed=bench.seed,
        ranges=replace(bench.ranges or SceneRanges(), anechoic=1.0),
    )
    dry = hear_scenes(bench.model, bench.corpus, bench.progress(dry_scenes, "free field")).embeddings.semantic
    return {
        **retrieval_figures(joint, bench.unseen, own),
        "direction_blind": _text_to_audio_first(retrieval_figures(semantic, bench.unseen, own)),
        "trained_phrasings": _text_to_audio_first(retrieval_figures(joint, bench.trained, own)),
        "semantic": _semantic(bench, dry_scenes, dry),
        "semantic_reverberant": _semantic(bench, bench.scenes, bench.heard.embeddings.semantic),
    }


def _semantic(bench: Bench, scenes: Sequence[Scene], audio: Float[np.ndarray, "scene width"]) -> Tree:
    sounds = {sound.id: sound for sound in bench.corpus.sounds}
    heard = [sounds[scene.sources[0].sound_id] for scene in scenes]
    captions = sorted({sound.caption for sound in heard})
    text = bench.model.embed_text(captions)
    return _text_to_audio_first(retrieval_figures(audio, text, _described(heard, captions)))


def _described(sounds: list[Sound], captions: list[str]) -> Bool[np.ndarray, "sound caption"]:
    """Whether each caption is one of those of each sound, main or not."""
    return np.array([[caption in sound.captions for caption in captions] for sound in sounds])


def _text_to_audio_first(ways: Mapping[str, Mapping[str, Figure]]) -> Tree:
    return {**ways["text_to_audio"], **ways}


def _zero_shot(bench: Bench, true: Float[np.ndarray, "scene 3"]) -> Tree:
    sectors, core = true_sectors(bench.scenes), in_core(true)
    figures: dict[str, Figure] = {}
    for name in ("spatial", "joint"):
        embeddings = getattr(bench.heard.embeddings, name)
        right = nearest_sector(embeddings, bench.model.direction_sentences) == sectors
        figures |= {name: Figure(right), f"{name}_core": Figure(np.where(core, right, np.nan))}
    return figures


def _editing(bench: Bench) -> Tree:
    changed = changed_sectors(bench.captions, bench.sectors, seed=bench.seed)
    return editing_figures(
        bench.model,
        bench.heard.take(bench.gallery).embeddings,
        bench.sectors,
        changed,
        said=bench.unseen,
        said_changed=bench.said(bench.unseen_phrasings, changed),
    )
