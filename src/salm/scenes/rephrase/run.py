"""Scenes of a file to spatial captions: several asked for at once, written in order, each request made once."""

import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from salm.errors import InputError
from salm.frame import direction_word
from salm.scenes.rephrase.ask import ACCEPTED, NAMES_PLACE, TEMPLATE, Asker, Rephrased
from salm.scenes.rephrase.store import CaptionFile, captions_head, remembered
from salm.scenes.storage import SceneTable

__all__ = ["Tally", "rephrase_scenes"]

# Requests that wait their turn, for each that is under way: a slow one holds up the file, not the others.
_AHEAD = 8


@dataclass
class Tally:
    """What came of captions, counted."""

    verdicts: Counter[str] = field(default_factory=Counter)
    first_tries: int = 0
    tries: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, said: Rephrased) -> None:
        """Count one more."""
        self.verdicts[said.verdict] += 1
        self.first_tries += said.verdict == ACCEPTED and said.tries == 1
        self.tries += said.tries
        self.refused.update(check for _, check in said.refused)

    @property
    def captions(self) -> int:
        """How many there are."""
        return self.verdicts.total()

    def summary(self) -> dict[str, Any]:
        """Counts; and the share of captions that a model was asked for that were accepted, at all and at first."""
        asked = self.captions - self.verdicts[TEMPLATE] - self.verdicts[NAMES_PLACE]
        return {
            "captions": self.captions,
            "accepted": self.verdicts[ACCEPTED],
            "templates": self.captions - self.verdicts[ACCEPTED],
            "acceptance": self.verdicts[ACCEPTED] / asked if asked else None,
            "acceptance_at_first": self.first_tries / asked if asked else None,
            "tries": self.tries,
            "refused": dict(self.refused.most_common()),
        }


def rephrase_scenes(
    path: str | Path,
    out: str | Path,
    asker: Asker,
    *,
    every_caption: bool = False,
    limit: int | None = None,
    concurrency: int = 1,
) -> dict[str, Any]:
    """Write the spatial captions of scenes into a file of JSON lines; what came of them, in numbers.

    A file that is there already is gone on with, and what it holds is not asked for again. Equal requests (the same
    caption from the same direction) are made once.

    Parameters
    ----------
    path
        What ``salm scenes make`` wrote. Of a scene with several sounds the first is described.
    out
        The file of captions: its head, then one line a caption in the order of the scenes.
    asker
        Whom to ask, and how.
    every_caption
        All captions that the corpus has of each scene's sound, and not only the scene's own.
    limit
        Only so many scenes from the beginning; None is all.
    concurrency
        How many requests are under way at once.

    Raises
    ------
    InputError
        If a file cannot be read or written, ``out`` was begun with other settings, or the backend cannot answer; what
        was answered until then is in the file.
    """
    scenes = SceneTable(path)
    head = captions_head(scenes, asker, every_caption=every_caption)
    rows = len(scenes) if limit is None else min(limit, len(scenes))
    tally, known = Tally(), {}
    with CaptionFile(out, head=head) as file:
        for key, said in remembered(file.lines()):
            known[key] = said
            tally.add(said)
        there = tally.captions
        jobs = _jobs(scenes, rows, every_caption=every_caption)
        answered = _answered(islice(jobs, there, None), asker, known, concurrency=concurrency)
        total = None if every_caption else rows
        start = time.perf_counter()
        for job, key, said in tqdm(answered, initial=there, total=total, unit="caption", disable=None):
            file.add(_line(job, key, said, head))
            tally.add(said)
        elapsed_s = time.perf_counter() - start
    new = tally.captions - there
    return {"out": str(out), **tally.summary(), "new": new, "captions_per_s": new / elapsed_s if new else None}


class _Job(NamedTuple):
    """One caption of one scene."""

    row: int
    sound_id: str
    sector: int
    caption: str


def _jobs(scenes: SceneTable, rows: int, *, every_caption: bool) -> Iterator[_Job]:
    captions = {sound.id: sound.captions for sound in scenes.open_corpus().sounds} if every_caption else {}
    for row in range(rows):
        source, *others = scenes[row].sources
        if others or source.path:
            raise InputError(
                f"{scenes.path}, scene {row}: has several sources or one that moves, and a caption says one place; "
                "rephrase scenes of one source that stands still."
            )
        if every_caption and source.sound_id not in captions:
            raise InputError(f"{scenes.path}, scene {row}: its corpus has no sound {source.sound_id!r} to caption.")
        # A corpus may have the same caption of a sound twice; it is one.
        for caption in dict.fromkeys(captions.get(source.sound_id, (source.caption,))):
            yield _Job(row, source.sound_id, source.sector, caption)


def _answered(
    jobs: Iterator[_Job], asker: Asker, known: dict[str, Rephrased], *, concurrency: int
) -> Iterator[tuple[_Job, str, Rephrased]]:
    """Jobs with their answers, in order; those that are known or under way already are not asked for again."""
    pool = ThreadPoolExecutor(concurrency)
    under_way: dict[str, Future[Rephrased]] = {}
    queue: deque[tuple[_Job, str]] = deque()
    try:
        while True:
            for job in islice(jobs, _AHEAD * concurrency - len(queue)):
                key = asker.key(job.caption, job.sector)
                queue.append((job, key))
                if key not in known and key not in under_way:
                    under_way[key] = pool.submit(asker, job.caption, job.sector)
            if not queue:
                return
            job, key = queue.popleft()
            if key not in known:
                known[key] = under_way.pop(key).result()
            yield job, key, known[key]
    finally:
        pool.shutdown(cancel_futures=True)


def _line(job: _Job, key: str, said: Rephrased, head: dict[str, Any]) -> dict[str, Any]:
    return {
        **job._asdict(),
        "direction": direction_word(job.sector, vocabulary=head["vocabulary"], facing=head["facing"]),
        **asdict(said),
        "prompt": head["prompt"] if head["model"] else None,
        "model": head["model"],
        "key": key,
    }
