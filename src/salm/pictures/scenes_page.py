"""The page that shows what is in a set of scenes: a pure function of its numbers and of a few scenes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from salm.pictures.charts import meter
from salm.pictures.floor import floor_plan, whereabouts
from salm.pictures.histograms import bar_histogram, rose, rounded
from salm.pictures.page import document, figures, table
from salm.pictures.svg import element, text
from salm.scenes.attributes import attributes_of
from salm.scenes.captions import VOCABULARY_SHARES, draw_phrasing
from salm.scenes.descriptions import describe, joined, part_of
from salm.scenes.histogram import Histogram
from salm.scenes.scene import Scene, Source
from salm.scenes.summary import SceneSummary

__all__ = ["scenes_page"]

# What it means that a head has null for it.
_UNSAID = {"corpus": "synthesised sounds", "split": "each scene its own"}


def scenes_page(
    name: str,
    head: Mapping[str, Any],
    splits: Mapping[str, int],
    summary: SceneSummary,
    samples: Sequence[tuple[int, Scene]],
    *,
    seed: int = 0,
) -> str:
    """The whole page.

    Parameters
    ----------
    name
        What the set is called, such as the name of its file.
    head
        What the file says of itself; all of it is listed.
    splits
        Number of scenes in each split.
    summary
        Numbers of all scenes.
    samples
        Scenes to draw one by one, with the row of each.
    seed
        Of the phrasings of their captions.
    """
    return document(
        f"{name}: what is in these scenes",
        _opening(name, head, splits, summary),
        _directions(summary),
        _rooms(summary),
        _plans(samples, summary),
        _sentences(samples, summary, np.random.default_rng(seed)),
    )


def _opening(name: str, head: Mapping[str, Any], splits: Mapping[str, int], summary: SceneSummary) -> str:
    lead = (
        "A scene says which dry sounds are where in which room. This page counts all of them, and draws a few. "
        "It loads nothing from elsewhere."
    )
    kinds = [
        ("simulated rooms", summary.simulated),
        ("measured responses", summary.measured),
        ("free field", summary.free_field),
    ]
    numbers = [
        ("scenes", f"{summary.scenes:,}", _listed(splits) if any(splits) else ""),
        *((what, _share(count, summary.scenes), f"{count:,}") for what, count in kinds),
        ("different captions", f"{summary.captions:,}", f"of {sum(summary.sectors.values()):,} sounds"),
    ]
    facts = {
        **{what: _UNSAID.get(what, "none") if value is None else value for what, value in head.items()},
        "sources_a_scene": ", ".join(f"{number} in {count:,}" for number, count in summary.sources.items()),
    }
    if summary.moving:
        facts["moving_sources"] = f"{summary.moving:,}"
    if summary.responses:
        facts["scenes_through_responses"] = _listed(summary.responses)
    rows = [(text(what.replace("_", " ")), text(_plain(value))) for what, value in facts.items()]
    return element(
        "header",
        element("h1", text(f"What is in {name}")),
        element("p", text(lead), class_="lead"),
        figures(numbers),
        table(("what", "value"), rows, caption="What the file says of itself, and how many sounds its scenes have."),
    )


def _directions(summary: SceneSummary) -> str:
    around = _chart(
        "Around the listener",
        summary.azimuth_deg,
        rose(summary.azimuth_deg, summary.sectors, title="Directions around the listener", key="azimuth"),
        f"{_listed(summary.heights)}. Areas go by number; the dashed circle is an even spread.",
    )
    return _section(
        "Where the sounds are",
        "From above, the front up: azimuths in steps of 7.5 degrees with the eight sectors of 45 degrees.",
        around,
        _bars("Elevation", summary.elevation_deg, "°", "elevation"),
        _bars("Distance", summary.distance_m, " m", "distance", unknown="not known"),
        _bars("Gain of a sound", summary.gain_db, " dB", "gain"),
    )


def _rooms(summary: SceneSummary) -> str:
    none = "No scene is in a simulated room."
    return _section(
        "Rooms and recordings",
        "Of every scene in a simulated room, its reverberation time (mean of 500 and 1000 Hz) and size; "
        "and what the scenes say of noise, background and length.",
        _bars("Reverberation time RT60", summary.rt60_s, " s", "rt60", nothing=none),
        _bars("Floor area", summary.floor_area_m2, " m²", "area", nothing=none),
        _bars("Volume", summary.volume_m3, " m³", "volume", nothing=none),
        _bars(
            "Noise relative to the sound",
            summary.noise_db,
            " dB",
            "noise",
            nothing="No scene has noise.",
            unknown="without noise",
        ),
        _bars(
            "Sound over ambience",
            summary.ambience_snr_db,
            " dB",
            "ambience",
            nothing="No scene has ambience.",
            unknown="without ambience",
        ),
        _bars(
            "Length",
            summary.duration_s,
            " s",
            "length",
            nothing="Every scene is as long as its sounds.",
            unknown="as long as their sounds",
        ),
    )


def _plans(samples: Sequence[tuple[int, Scene]], summary: SceneSummary) -> str:
    if not samples:
        return ""
    cards = [_card(row, scene) for row, scene in samples]
    count = (
        "All scenes" if len(samples) == summary.scenes else f"{len(samples)} of {summary.scenes:,} scenes, by chance"
    )
    return element(
        "section",
        element("h2", text("Scenes from above")),
        element("p", text(f"{count}. The front is up; sounds are numbered, the microphone is the head.")),
        element("div", *cards, class_="cards"),
    )


def _card(row: int, scene: Scene) -> str:
    plan = floor_plan(scene, title=f"Where the sounds of scene {row} are", key=f"scene-{row}")
    sounds = [
        element(
            "li",
            element("span", text(source.caption), class_="what"),
            element("span", text(_place(source)), class_="where"),
        )
        for source in scene.sources
    ]
    return element(
        "article",
        plan,
        element(
            "div",
            element("h3", text(f"Scene {row}")),
            element("p", text(_around(scene) + _background(scene)), class_="soft"),
            element("ol", *sounds, class_="sounds"),
        ),
        class_="card",
    )


def _around(scene: Scene) -> str:
    if scene.room is not None:
        length, width, height = scene.room.size_m
        return f"{length:.1f} × {width:.1f} × {height:.1f} m, RT60 {scene.room.mid_rt60_s:.2f} s"
    return "free field" if scene.responses is None else f"measured, {scene.responses}"


def _background(scene: Scene) -> str:
    if scene.ambience is None:
        return ""
    return f"; {scene.ambience.sound_id or 'pink noise'} around, {rounded(scene.ambience.snr_db)} dB below"


def _place(source: Source) -> str:
    if source.path:
        return whereabouts(source)
    angles = f"{source.azimuth_deg:+.0f}°\u00a0/\u00a0{source.elevation_deg:+.0f}°".replace("-", "−")
    return f"{whereabouts(source)} · {angles}"


def _sentences(samples: Sequence[tuple[int, Scene]], summary: SceneSummary, rng: np.random.Generator) -> str:
    said = [(text(row), *map(text, (joined(_captions(scene)), *_described(scene, rng)))) for row, scene in samples]
    total = sum(summary.sectors.values())
    common = [
        (text(caption), f"{count:,}", meter(count / total, description=_share(count, total)))
        for caption, count in summary.common_captions
    ]
    parts = []
    if said:
        caption = "Captions of the scenes above with all that can be said of them, in phrasings drawn by the seed."
        parts.append(table(("scene", "caption", *VOCABULARY_SHARES), said, caption=caption, figure_columns=(0,)))
    if common:
        caption = f"The most common of {summary.captions:,} captions, as shares of all {total:,} sounds."
        parts.append(table(("caption", "sounds", "share"), common, caption=caption, figure_columns=(1,)))
    return element("section", element("h2", text("What is said")), *parts)


def _captions(scene: Scene) -> list[str]:
    return [source.caption for source in scene.sources]


def _described(scene: Scene, rng: np.random.Generator) -> list[str]:
    """The whole scene in each vocabulary, with all that can be said of it."""
    parts = [part_of(source, attributes=attributes_of(scene, source)) for source in scene.sources]
    return [describe(parts, phrasing=draw_phrasing(rng, {vocabulary: 1.0})) for vocabulary in VOCABULARY_SHARES]


def _section(title: str, lead: str, *charts: str) -> str:
    return element(
        "section",
        element("h2", text(title)),
        element("p", text(lead)),
        element("div", *charts, class_="charts card"),
    )


def _bars(
    title: str, histogram: Histogram, unit: str, key: str, *, nothing: str = "There are no scenes.", unknown: str = ""
) -> str:
    if histogram.count and histogram.least == histogram.most:
        # One bar says less than a sentence.
        nothing = f"{_range(histogram, unit, unknown)}."
        return element("figure", element("h3", text(title)), element("p", text(nothing), class_="soft"))
    drawn = bar_histogram(histogram, title=title, unit=unit, key=key)
    return _chart(title, histogram, drawn, _range(histogram, unit, unknown), nothing=nothing)


def _chart(title: str, histogram: Histogram, drawn: str, beside: str, *, nothing: str = "There are no scenes.") -> str:
    heading = element("h3", text(title))
    if not histogram.count:
        return element("figure", heading, element("p", text(nothing), class_="soft"))
    return element("figure", heading, drawn, element("figcaption", text(beside)))


def _range(histogram: Histogram, unit: str, unknown: str) -> str:
    if histogram.least is None or histogram.mean is None or histogram.most is None:
        return ""
    least, mean, most = map(rounded, (histogram.least, histogram.mean, histogram.most))
    one = f"{least}{unit} in all {histogram.count:,}"
    parts = [one if histogram.least == histogram.most else f"{least} to {most}{unit}, mean {mean}{unit}"]
    if histogram.outside:
        parts.append(f"{histogram.outside:,} beyond the axis")
    if histogram.unknown:
        parts.append(f"{histogram.unknown:,} {unknown}")
    return "; ".join(parts)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _share(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):.1f} %"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items() if part is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
