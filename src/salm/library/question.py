"""A query as vectors, places and conditions: what every backend can answer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from salm.frame import ABOVE_DEG, BELOW_DEG
from salm.library.phrase import Phrase
from salm.library.query import Condition, Query
from salm.library.scoring import Stated
from salm.model.edit import edit_embeddings
from salm.model.inference import AudioEmbeddings, Model

__all__ = ["Branch", "Question", "Sought", "asked", "asked_like", "joint_weight"]

BANDS_DEG = {"above": (ABOVE_DEG, 90.0), "level": (BELOW_DEG, ABOVE_DEG), "below": (-90.0, BELOW_DEG)}
"""Elevations that a word for the height stands for."""

Vector = Float32[np.ndarray, " width"]


class Sought(NamedTuple):
    """One phrase or example; what it leaves open is None."""

    what: Vector | None = None
    """For the semantic embedding."""
    joint: Vector | None = None
    """For the joint embedding."""
    place: Stated | None = None


class Branch(NamedTuple):
    """One alternative of a query."""

    wanted: tuple[Sought, ...]
    unwanted: tuple[Sought, ...]
    conditions: tuple[Condition, ...]

    @property
    def whats(self) -> Float32[np.ndarray, "content width"]:
        """Vectors for the semantic embedding, in order of the phrases that have one."""
        return _stacked([sought.what for sought in self.wanted + self.unwanted])

    @property
    def joints(self) -> Float32[np.ndarray, "whole width"]:
        """Vectors for the joint embedding, in order of the phrases that have one."""
        return _stacked([sought.joint for sought in self.wanted + self.unwanted])


class Question(NamedTuple):
    """Any of the branches."""

    branches: tuple[Branch, ...]
    joint_weight: Vector
    """s of Eq. 2."""


def asked(query: Query, model: Model) -> Question:
    """What a query asks for, in the embeddings of a model."""
    phrases = {p for alternative in query.alternatives for p in alternative.wanted + alternative.unwanted}
    texts = list(dict.fromkeys(text for p in sorted(phrases, key=str) if p.what for text in (p.what, p.text)))
    vectors = dict(zip(texts, model.embed_text(texts), strict=True)) if texts else {}
    seek = {phrase: _sought(phrase, vectors) for phrase in phrases}
    return _question(query, model, seek)


def asked_like(query: Query, model: Model, example: AudioEmbeddings) -> Question:
    """What a query of :func:`salm.library.query.parse_where` asks for besides being like an example.

    A direction in the query takes the place of the example's own by Eq. 3.
    """
    question = asked(query, model)
    branches = []
    for alternative, branch in zip(query.alternatives, question.branches, strict=True):
        (where,) = alternative.wanted or (None,)
        moved = example if where is None else edit_embeddings(model, example, where.text)
        place = None if where is None else stated(where)
        branches.append(branch._replace(wanted=(Sought(moved.semantic[0], moved.joint[0], place),)))
    return question._replace(branches=tuple(branches))


def stated(phrase: Phrase) -> Stated | None:
    """The place that a phrase asks for, or None if it asks for none."""
    if phrase.azimuth_deg is None and phrase.elevation is None:
        return None
    return Stated(phrase.azimuth_deg, None if phrase.elevation is None else BANDS_DEG[phrase.elevation])


def joint_weight(model: Model) -> Vector:
    """The weight s of Eq. 2."""
    return model.network.joint_weight.detach().float().cpu().numpy()


def _question(query: Query, model: Model, seek: dict[Phrase, Sought]) -> Question:
    branches = tuple(
        Branch(
            wanted=tuple(seek[phrase] for phrase in alternative.wanted),
            unwanted=tuple(seek[phrase] for phrase in alternative.unwanted),
            conditions=alternative.conditions,
        )
        for alternative in query.alternatives
    )
    return Question(branches, joint_weight(model))


def _sought(phrase: Phrase, vectors: dict[str, Vector]) -> Sought:
    place = stated(phrase)
    if not phrase.what:
        return Sought(place=place)
    return Sought(vectors[phrase.what], None if place is None else vectors[phrase.text], place)


def _stacked(vectors: Sequence[Vector | None]) -> Float32[np.ndarray, "query width"]:
    kept = [vector for vector in vectors if vector is not None]
    return np.stack(kept).astype(np.float32) if kept else np.empty((0, 0), np.float32)
