"""A demonstration that needs nothing but the package: a small simulated library is searched, located and edited.

``run_demo`` leaves this behind::

    out/library/dog-1.flac ...        twenty AmbiX recordings: ten kinds of sounds, each from two directions
    out/index/                        what the model heard in them
    out/edit/before.flac, after.flac  one recording and the same one turned by a sentence; previews for headphones
    out/results.json                  every truth, answer and number
    out/index.html                    the page that shows them
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import salm
from salm.audio.binaural import to_binaural
from salm.audio.intensity import locate_by_intensity
from salm.audio.recording import Recording, read, write
from salm.editing.sound import edit
from salm.frame import SECTORS, angle_between_deg, elevation_band, unit_vector
from salm.library.index import Library, SearchResult
from salm.model.inference import Model, load
from salm.pictures.demo_page import Clip, demo_page
from salm.pictures.page import write_page
from salm.scenes.captions import Phrasing, spatial_caption
from salm.scenes.corpora.base import Sound
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_scene
from salm.scenes.scene import Scene
from salm.whole import written_whole

__all__ = ["run_demo"]

RATE_HZ = 24_000
LONGEST_S = 5.0
PEAK = 0.5
HITS = 4

WORDS = {
    "alarm": "an alarm beeping",
    "applause": "applause",
    "bell": "a bell",
    "bird": "birdsong",
    "clock": "a ticking clock",
    "dog": "a dog barking",
    "fire": "a crackling fire",
    "footsteps": "footsteps",
    "glass": "clinking glasses",
    "guitar": "a guitar",
    "helicopter": "a helicopter",
    "knock": "knocking on a door",
    "rain": "rain",
    "siren": "a siren",
    "telephone": "a phone ringing",
    "thunder": "thunder",
    "waves": "waves at the sea",
    "whistle": "a whistle",
}
"""What people call the sounds, which is not how the corpus captions them."""

PHRASINGS = {
    "listener": Phrasing("{clause} {from}"),
    "compass": Phrasing("{clause} {from}", "compass"),
    "clock": Phrasing("{clause} {at}", "clock"),
    "height": Phrasing("{clause} {from}"),
}
"""How the searches of the page say where; a fifth says only what."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One recording of the library, and the truth about it."""

    name: str
    kind: str
    caption: str
    scene: Scene
    path: Path

    @property
    def truth(self) -> dict[str, Any]:
        source = self.scene.sources[0]
        return _place(source.azimuth_deg, source.elevation_deg)


def run_demo(
    out: str | Path, *, model: str | Path | Model = "small", seed: int = 0, progress: Say = lambda _: None
) -> Path:
    """Simulate, index, search, locate, edit, and write a page of results; the path of the page.

    Nothing is downloaded, and the same seed and model give the same files.

    Parameters
    ----------
    out
        Folder for everything; what an earlier demonstration left there is replaced.
    model
        A model, or what :func:`salm.load` takes.
    seed
        Of the sounds, rooms and directions.
    progress
        Told what is being done, a few words at a time.

    Raises
    ------
    InputError
        If there is no such model, or the folder cannot be written to.
    """
    out, model = Path(out), model if isinstance(model, Model) else load(model)
    progress("simulating a library")
    _forget_earlier(out)
    items = _make_library(out / "library", seed=seed)
    progress("indexing it")
    library = _index(out / "index", items, model)
    progress("searching, locating, editing")
    recordings = [_located(item, model) for item in items]
    searches = [_search(library, model, items, **asked) for asked in _questions(items)]
    results = {
        "salm": salm.__version__,
        "seed": seed,
        "model": {"name": model.config.name, "digest": model.digest},
        "summary": _summary(recordings, searches),
        "searches": searches,
        "edit": _edit(out / "edit", items[0], model),
        "recordings": recordings,
    }
    _write_json(out / "results.json", results)
    progress("drawing the page")
    clips = {item.name: _clip(read(item.path)) for item in items}
    clips |= {name: _clip(read(out / "edit" / f"{name}.flac")) for name in ("before", "after")}
    return write_page(out / "index.html", demo_page(results, clips))


def _forget_earlier(out: Path) -> None:
    """Remove the recordings of an earlier demonstration, which may have had other sounds; what else is there stays."""
    try:
        earlier = json.loads((out / "results.json").read_text(encoding="utf-8"))
        names = [Path(row["file"]).name for row in earlier["recordings"]]
    except (OSError, ValueError, LookupError, TypeError):
        return
    for name in names:
        (out / "library" / name).unlink(missing_ok=True)


def _make_library(folder: Path, *, seed: int) -> list[_Item]:
    """Ten kinds of sounds, each from two directions; the fourth kind's two differ in height only."""
    rng = np.random.default_rng([seed, 7])
    corpus = ProceduralCorpus(per_kind=2, seed=seed, split="test")
    items = []
    for place, kind in enumerate(rng.choice(sorted(WORDS), size=10, replace=False)):
        pair = [sound for sound in corpus.sounds if sound.id.startswith(f"{kind}-")]
        first = int(rng.integers(8))
        sectors = (first, first if place == 3 else (first + int(rng.integers(3, 6))) % 8)
        bands = ("above", "below") if place == 3 else (None, None)
        for sound, sector, band, name in zip(pair, sectors, bands, (f"{kind}-1", f"{kind}-2"), strict=True):
            scene, path = _draw(rng, sound, sector, band), folder / f"{name}.flac"
            items.append(_Item(name=name, kind=str(kind), caption=sound.caption, scene=scene, path=path))
    for item in items:
        samples = render_scene(item.scene, corpus, rate_hz=RATE_HZ)
        write(item.path, samples * np.float32(PEAK / np.abs(samples).max()), RATE_HZ)
    return items


def _draw(rng: np.random.Generator, sound: Sound, sector: int, band: str | None) -> Scene:
    """A scene with the sound in a sector, and in a band of elevations if one is given."""
    scene = draw_scene(rng, sound, sector=sector)
    while band not in (None, elevation_band(scene.sources[0].elevation_deg)):
        scene = draw_scene(rng, sound, sector=sector)
    # The second more is for the echoes to die away.
    return replace(scene, duration_s=min(LONGEST_S, sound.duration_s + 1.0))


def _index(folder: Path, items: list[_Item], model: Model) -> Library:
    if (folder / "library.json").exists():
        shutil.rmtree(folder)
    library = Library(folder)
    library.add([item.path for item in items], model)
    return library


def _questions(items: list[_Item]) -> list[dict[str, Any]]:
    """Five searches, each made from what is true of one recording."""
    asked: list[dict[str, Any]] = []
    for item, (vocabulary, phrasing) in zip(items[:8:2], PHRASINGS.items(), strict=True):
        elevation = "above" if vocabulary == "height" else None
        sector = item.scene.sources[0].sector
        text = spatial_caption(WORDS[item.kind], sector, phrasing=phrasing, elevation=elevation)
        asked.append({"text": text, "kind": item.kind, "sector": SECTORS[sector], "elevation": elevation})
    last = items[8].kind
    return [*asked, {"text": WORDS[last], "kind": last, "sector": None, "elevation": None}]


def _search(library: Library, model: Model, items: list[_Item], *, text: str, **wanted: Any) -> dict[str, Any]:
    by_path = {os.path.abspath(item.path): item for item in items}

    def plain(found: SearchResult) -> list[dict[str, Any]]:
        hits = [(by_path[hit.file], asdict(hit)) for hit in found.hits]
        return [hit | {"file": f"library/{i.path.name}", "name": i.name} | _judged(i, wanted) for i, hit in hits]

    found = library.search(text, model, limit=HITS)
    what = found.query.what if found.query else ""
    return {
        "text": text,
        "wanted": wanted,
        "query": found.query.to_dict() if found.query else None,
        "hits": plain(found),
        "direction_blind": plain(library.search(what, model, limit=1)),
    }


def _judged(item: _Item, wanted: dict[str, Any]) -> dict[str, bool]:
    """Whether a recording is what was asked for, by the truth and not by what the model heard."""
    truth = item.truth
    in_sector = wanted["sector"] in (None, truth["sector"])
    in_band = wanted["elevation"] in (None, elevation_band(truth["elevation_deg"]))
    right_what, right_where = item.kind == wanted["kind"], in_sector and in_band
    return {"right_what": right_what, "right_where": right_where, "right": right_what and right_where}


def _located(item: _Item, model: Model) -> dict[str, Any]:
    recording = read(item.path)
    learned, intensity = model.locate(recording, widest_deg=180.0), locate_by_intensity(recording)
    truth = item.truth
    return {
        "name": item.name,
        "file": f"library/{item.path.name}",
        "kind": item.kind,
        "caption": item.caption,
        "duration_s": recording.duration_s,
        "truth": truth,
        "model": _answer(learned.azimuth_deg, learned.elevation_deg, truth) | {"confidence": learned.confidence},
        "intensity": _answer(intensity.azimuth_deg, intensity.elevation_deg, truth),
    }


def _place(azimuth_deg: float, elevation_deg: float) -> dict[str, Any]:
    sector = salm.Direction(azimuth_deg, elevation_deg).sector
    return {"azimuth_deg": azimuth_deg, "elevation_deg": elevation_deg, "sector": sector}


def _answer(azimuth_deg: float | None, elevation_deg: float | None, truth: dict[str, Any]) -> dict[str, Any]:
    found = _place(azimuth_deg or 0.0, elevation_deg or 0.0)
    vectors = [unit_vector(place["azimuth_deg"], place["elevation_deg"]) for place in (found, truth)]
    return found | {"error_deg": float(angle_between_deg(*vectors))}


def _summary(recordings: list[dict[str, Any]], searches: list[dict[str, Any]]) -> dict[str, Any]:
    def of(who: str) -> dict[str, float]:
        same = [row[who]["sector"] == row["truth"]["sector"] for row in recordings]
        errors_deg = [row[who]["error_deg"] for row in recordings]
        return {"median_deg": float(np.median(errors_deg)), "sector_accuracy": float(np.mean(same))}

    def first(key: str) -> float:
        return float(np.mean([bool(search[key]) and search[key][0]["right"] for search in searches]))

    return {
        "recordings": len(recordings),
        "searches": len(searches),
        "model": of("model"),
        "intensity": of("intensity"),
        "hits_at_1": {"model": first("hits"), "direction_blind": first("direction_blind")},
    }


def _edit(folder: Path, item: _Item, model: Model) -> dict[str, Any]:
    before = read(item.path)
    goal = SECTORS[(item.scene.sources[0].sector + 3) % 8]
    sentence = f"move it to the {goal}"
    done = edit(before, sentence)
    measured = {}
    for name, recording in (("before", before), ("after", done.recording)):
        write(folder / f"{name}.flac", recording.samples, recording.rate_hz)
        write(folder / f"{name}-binaural.flac", to_binaural(recording.samples, recording.rate_hz), recording.rate_hz)
        written = read(folder / f"{name}.flac")
        heard, intensity = model.locate(written, widest_deg=180.0), locate_by_intensity(written)
        measured[name] = {
            "file": f"edit/{name}.flac",
            "binaural": f"edit/{name}-binaural.flac",
            "model": _place(heard.azimuth_deg or 0.0, heard.elevation_deg or 0.0),
            "intensity": _place(intensity.azimuth_deg or 0.0, intensity.elevation_deg or 0.0),
        }
    described = {"name": item.name, "sentence": sentence, "goal": goal, "description": done.description}
    return described | {"truth_before": item.truth} | measured


def _clip(recording: Recording) -> Clip:
    return Clip(
        binaural=to_binaural(recording.samples, recording.rate_hz),
        omni=recording.samples[0],
        rate_hz=recording.rate_hz,
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
