"""Evaluation by a protocol: every figure with its interval and its baselines, each kind of recording in its own tables.

There are two protocols. `default` has scenes of which every one differs from all others, unseen phrasings, controls and
baselines (:mod:`salm.evaluation.default`); `paper` has the galleries and sentences of the paper's tables
(:mod:`salm.evaluation.published`). Either may measure scenes through measured room responses and labelled recordings
beside the simulated scenes. Those are never pooled: each is an entry of ``sets``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from salm.acoustics.measured.base import ResponseSet
from salm.errors import InputError
from salm.evaluation.applicable import blanked, not_applicable
from salm.evaluation.bench import Progress, quietly, set_up
from salm.evaluation.default import DEFAULT, default_measured, default_surroundings, default_tables
from salm.evaluation.field import field_figures, hear_stretches
from salm.evaluation.intervals import Tree, intervals, plain
from salm.evaluation.made import MadeScenes
from salm.evaluation.published import PUBLISHED, hear_clips, published_measured, published_tables
from salm.model.inference import Model
from salm.scenes.corpora.base import Corpus
from salm.scenes.recordings import RecordingSet
from salm.scenes.sample import SceneRanges
from salm.scenes.scene import Scene

__all__ = ["DEFAULT_SCENES", "PROTOCOLS", "TABLES", "FieldRecordings", "evaluate"]

ProtocolName = Literal["default", "paper"]

TABLES = (1, 2, 3)
"""Retrieval and localisation; zero-shot direction; editing."""

DEFAULT_SCENES = 500
"""Scenes of the default protocol, and stretches of recordings by either, unless a number is given."""

_IN_SETS = ("localisation", "baselines", "directions", "retrieval", "zero_shot")

_SETS = {
    "measured": "Scenes as the simulated ones but through measured room responses, in the directions that were "
    "measured. They are no field recordings: background and several live sources are missing.",
    "field": "Stretches of labelled recordings in which a single source sounds, each heard as a whole; of a source "
    "that moves the mean direction, and without an elevation level. The intervals are over files.",
}


@dataclass(frozen=True, kw_only=True)
class _Protocol:
    """What makes a protocol; a subject is a model with all that it heard."""

    words: Mapping[str, str]
    hear: Callable[..., Any]
    """Sets a subject up."""
    tables: Callable[[Any, Sequence[int]], Tree]
    measured: Callable[[Any, Sequence[int]], Tree]
    """What of the tables there is for scenes through measured responses."""
    surroundings: Callable[[Any], Tree]
    """What stands beside the tables if all are asked for."""


PROTOCOLS: Mapping[str, _Protocol] = MappingProxyType(
    {
        "default": _Protocol(
            words=DEFAULT,
            hear=set_up,
            tables=default_tables,
            measured=default_measured,
            surroundings=default_surroundings,
        ),
        "paper": _Protocol(
            words=PUBLISHED,
            hear=hear_clips,
            tables=published_tables,
            measured=published_measured,
            surroundings=lambda _: {},
        ),
    }
)
"""Both protocols by name."""


@dataclass(frozen=True)
class FieldRecordings:
    """Labelled recordings, and from what length on a stretch with a single source counts."""

    recordings: RecordingSet
    min_s: float = 1.0
    """Shortest stretch, in seconds."""


def evaluate(
    model: Model,
    corpus: Corpus,
    *,
    protocol: ProtocolName = "default",
    tables: Sequence[int] = (),
    scenes: int | None = None,
    seed: int = 0,
    rows: Mapping[str, str] | None = None,
    ranges: SceneRanges | None = None,
    responses: ResponseSet | None = None,
    field: FieldRecordings | None = None,
    made: MadeScenes | None = None,
    progress: Progress = quietly,
) -> dict[str, Any]:
    """The tables of a protocol.

    Parameters
    ----------
    corpus
        Sounds of the split to evaluate on.
    protocol
        ``default`` or ``paper``.
    tables
        Which of :data:`TABLES`, over the protocol's own gallery: 1 is ``localisation``, ``baselines``, ``directions``
        (the errors in detail) and ``retrieval``, 2 is ``zero_shot`` and 3 ``editing``. None given are all three, and by
        the default protocol ``controls``, ``leakage``, ``confidence``, ``wordings``, ``binding``, ``attributes`` too.
    scenes
        Number of scenes, at least 2. By the default protocol None is 500, and the gallery is the first 400 distinct
        ones; by the paper's a clip is three scenes, and None is every clip. Also the most stretches of recordings.
    seed
        Of scenes, phrasings, edits and the bootstrap.
    rows
        Which rows of the manifest the corpus was narrowed to; only reported.
    ranges
        What scenes are drawn from.
    responses
        Measured room responses to evaluate through besides.
    field
        Labelled recordings to evaluate on besides.
    made
        By the paper's protocol, scenes that were made before (:func:`salm.evaluation.made.open_made`).
    progress
        Is handed each list of scenes with a word of what for; :class:`tqdm.tqdm` shows it.

    Returns
    -------
    dict
        The tables, rates as fractions, of simulated scenes; ``intervals`` with the same names and ``[low, high]``;
        ``sets``, one entry for each kind of recording, the simulated first; ``not_applicable``, why a table is None;
        ``protocol`` in words; and what was evaluated on what.

    Raises
    ------
    InputError
        If the protocol or a table is unknown, the corpus is empty, too few scenes are asked for, or the recordings have
        no stretch with a single source.
    """
    _check(protocol, tables)
    if made is not None and protocol != "paper":
        raise InputError("scenes that were made before belong to the paper's protocol; choose that.")
    by, asked = PROTOCOLS[protocol], tuple(sorted(set(tables))) or TABLES
    if scenes is None and protocol == "default":
        scenes = DEFAULT_SCENES
    reasons = not_applicable(model)
    # Controls say so themselves.
    left_out = [path for path in reasons if not path.startswith("controls.")]
    drawn = {"scenes": scenes, "seed": seed, "ranges": ranges, "progress": progress}
    subject = by.hear(model, corpus, **drawn, **({} if made is None else {"made": made}))
    figures = blanked({**by.tables(subject, asked), **({} if tables else by.surroundings(subject))}, left_out)
    sets = [{"kind": "simulated", "name": corpus.name, "scenes": len(subject.scenes), **_section(figures, seed=seed)}]
    if responses is not None:
        measured = by.hear(model, corpus, responses=responses, **drawn)
        there = blanked(by.measured(measured, asked), left_out)
        sets.append(_about_measured(responses, measured.scenes) | _section(there, seed=seed))
    if field is not None:
        sets.append(_field(subject, field, limit=scenes or DEFAULT_SCENES, asked=asked, seed=seed))
    return {
        "protocol": {**by.words, **_SETS},
        "tables": list(asked),
        "model": model.digest,
        "preset": model.config.name,
        "corpus": corpus.name,
        "split": ", ".join(sorted({sound.split for sound in corpus.sounds})),
        "rows": dict(rows or {}),
        "sounds": len(corpus.sounds),
        "scenes": len(subject.scenes),
        "gallery": len(subject.gallery),
        "seed": seed,
        **subject.phrasings,
        **plain(figures),
        "intervals": intervals(figures, seed=seed),
        "not_applicable": {path: why for path, why in reasons.items() if path.partition(".")[0] in figures},
        "sets": sets,
    }


def _check(protocol: str, tables: Sequence[int]) -> None:
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol is {protocol!r} but must be {' or '.join(PROTOCOLS)}.")
    if unknown := [number for number in tables if number not in TABLES]:
        raise InputError(f"there is no table {unknown[0]!r}; there are {', '.join(map(str, TABLES))}.")


def _section(figures: Tree, *, seed: int) -> dict[str, Any]:
    """What an entry of ``sets`` holds of the figures."""
    shared = {name: figures[name] for name in _IN_SETS if name in figures}
    return {**plain(shared), "intervals": intervals(shared, seed=seed)}


def _about_measured(responses: ResponseSet, scenes: Sequence[Scene]) -> dict[str, Any]:
    heard = {responses[source.response_id or ""].room for scene in scenes for source in scene.sources}
    return {
        "kind": "measured",
        "name": responses.name,
        "scenes": len(scenes),
        "responses": len(responses.items),
        "rooms": len(heard),
        "missing": responses.missing,
    }


def _field(subject: Any, field: FieldRecordings, *, limit: int, asked: Sequence[int], seed: int) -> dict[str, Any]:
    """Entry of the recordings; those that are dry sounds through measured responses say so."""
    recordings = field.recordings
    heard = hear_stretches(subject.model, recordings, min_s=field.min_s, limit=limit, progress=subject.progress)
    figures = blanked(field_figures(heard, subject.direction_sentences), not_applicable(subject.model))
    wanted = [name for number, names in ((1, _IN_SETS[:3]), (2, _IN_SETS[4:])) if number in asked for name in names]
    labels = [stretch.label for stretch in heard.stretches]
    return {
        "kind": "measured" if recordings.kind == "measured" else "field",
        "name": recordings.name,
        "declared": recordings.kind,
        "stretches": len(labels),
        "files": len({stretch.item.id for stretch in heard.stretches}),
        "duration_s": sum(label.end_s - label.start_s for label in labels),
        "min_s": field.min_s,
        "moving": sum(label.moves for label in labels),
        "without_elevation": sum(label.elevation_deg is None for label in labels),
        "missing": recordings.missing,
        "notes": list(recordings.notes),
        **_section({name: figures[name] for name in wanted}, seed=seed),
    }
