"""The shape of every answer, for the OpenAPI description: the fields of the commands, and more may be added."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["About", "Edit", "Embeddings", "Heard", "Located", "Problem", "Ranking", "Scan", "SearchResult"]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Problem(_Open):
    """Any answer that is not a success."""

    error: str
    """What was wrong, and what to do, in one line."""


class About(_Open):
    """What this server is."""

    salm: str
    model: dict[str, str]
    """Its ``name`` and ``digest``."""
    libraries: list[str]
    facings: list[str]
    """Where the front may be on the compass."""
    limits: dict[str, float]


class Heard(_Open):
    """What a file is, and where its sound is over time, without learning."""

    file: str
    duration_s: float
    rate_hz: int
    layout: str
    ambiguity: str | None
    notes: list[str]
    map: dict[str, Any] | None
    """``step_s``, ``azimuths_deg`` and ``level_db``; null where the channels hold no direction."""


class _Place(_Open):
    start_s: float
    end_s: float
    azimuth_deg: float | None
    elevation_deg: float | None
    sector: str | None
    confidence: float
    ambiguity: Literal["front-back", "all"] | None
    reason: str | None
    cone_deg: float | None = None


class _File(_Open):
    file: str
    error: str | None
    windows: list[_Place]
    notes: list[str]


class Located(_Open):
    """As ``salm locate --json``."""

    front_deg: float
    files: list[_File]


class _Ranked(_Open):
    text: str
    score: float
    what: float
    where: float


class Ranking(_Open):
    """As ``salm rank --json``."""

    file: str
    ranking: list[_Ranked]


class Embeddings(_Open):
    """As the file that ``salm embed`` writes."""

    files: list[str]
    sentences: list[str]
    model: str
    joint: list[list[float]]
    semantic: list[list[float]]
    spatial: list[list[float]]
    text: list[list[float]]


class _Hit(_Open):
    file: str
    start_s: float
    end_s: float
    score: float
    azimuth_deg: float | None
    elevation_deg: float | None
    sound: str
    """Address to hear it at; with ``start_s`` and ``end_s`` a part of it."""


class SearchResult(_Open):
    """As ``salm search --json``."""

    query: dict[str, Any] | None
    hits: list[_Hit]


class Edit(_Open):
    """As ``salm edit --json``; ``out`` and ``binaural`` are addresses to fetch the files at, for a while."""

    file: str
    out: str
    binaural: str
    description: str
    notes: list[str]
    moved_from: dict[str, float] | None
    moved_to: dict[str, float] | None


class Scan(_Open):
    """A job; ``result`` has the timeline when the state is done."""

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done_s: float
    total_s: float | None
    result: dict[str, Any] | None
    error: str | None
