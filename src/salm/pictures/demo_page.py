"""The page that shows what a demonstration found: a pure function of its results and its sounds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from salm.frame import ABOVE_DEG, BELOW_DEG, Direction, wrap_deg
from salm.pictures.charts import Spread, angle_strips, meter
from salm.pictures.page import Sounds, document, figures, legend, table
from salm.pictures.plan import Mark, Sought, plan_view, swatch
from salm.pictures.svg import element, text
from salm.pictures.thumbnail import thumbnail

__all__ = ["Clip", "demo_page"]

BANDS_DEG = {"above": (ABOVE_DEG, 90.0), "level": (BELOW_DEG, ABOVE_DEG), "below": (-90.0, BELOW_DEG)}

Row = Mapping[str, Any]


class Clip(NamedTuple):
    """What the page plays and draws of one recording."""

    binaural: Float32[np.ndarray, "2 time"]
    omni: Float32[np.ndarray, " time"]
    rate_hz: int


def demo_page(results: Row, clips: Mapping[str, Clip]) -> str:
    """The whole page.

    Parameters
    ----------
    results
        What ``results.json`` of a demonstration holds.
    clips
        By the name of the recording, and ``before`` and ``after`` for the edit.
    """
    sounds = Sounds()
    for name, clip in clips.items():
        sounds.add(name, clip.binaural, clip.rate_hz)
    return document(
        "SALM: find, locate and move sound with words",
        _opening(results),
        _searches(results, sounds),
        _edit(results["edit"], sounds),
        _locations(results, clips, sounds),
        _closing(results),
        sounds.markup(),
    )


def _opening(results: Row) -> str:
    summary = results["summary"]
    lead = (
        f"Here are {summary['recordings']} recordings, each of one sound somewhere in a room of its own. A spatial "
        "audio-language model has listened to them. It finds them by a sentence that says what and where, it says "
        "where each sound is, and one of them has been moved by a sentence. Put headphones on."
    )
    private = (
        "Everything on this page was synthesised, simulated and computed on this machine. Nothing left it, "
        "nothing was downloaded, and the page loads nothing from elsewhere."
    )
    return element(
        "header",
        element("h1", text("Find, locate and move sound with words")),
        element("p", text(lead), class_="lead"),
        _key_numbers(summary),
        element("p", text(private), class_="soft"),
    )


def _key_numbers(summary: Row) -> str:
    learned, plain, first = summary["model"], summary["intensity"], summary["hits_at_1"]
    searches, recordings = summary["searches"], summary["recordings"]
    return figures(
        [
            (
                "median angle from the truth",
                f"{learned['median_deg']:.1f}°",
                f"without learning {plain['median_deg']:.1f}°",
            ),
            (
                "located in the right one of eight sectors",
                f"{learned['sector_accuracy'] * recordings:.0f} of {recordings}",
                f"without learning {plain['sector_accuracy'] * recordings:.0f}",
            ),
            (
                "searches whose first hit is right",
                f"{first['model'] * searches:.0f} of {searches}",
                f"by words for what alone {first['direction_blind'] * searches:.0f}",
            ),
        ]
    )


def _searches(results: Row, sounds: Sounds) -> str:
    rows = {row["name"]: row for row in results["recordings"]}
    cards = [_search(i, search, rows, sounds) for i, search in enumerate(results["searches"])]
    return element(
        "section",
        element("h2", text("Ask for a sound, and say where it is")),
        element(
            "p",
            text(
                "Each sentence is split into what and where. The plan shows from above what is asked for (shaded) and "
                "where the model located the hits (numbers) and everything else (grey)."
            ),
        ),
        *cards,
    )


def _search(index: int, search: Row, rows: Mapping[str, Row], sounds: Sounds) -> str:
    hits = search["hits"]
    others = [row["model"] for name, row in rows.items() if name not in {hit["name"] for hit in hits}]
    marks = [Mark(azimuth_deg=p["azimuth_deg"], elevation_deg=p["elevation_deg"], kind="faint") for p in others]
    marks += [_numbered(rank, hit) for rank, hit in reversed(list(enumerate(hits, start=1)))]
    plan = plan_view(
        marks,
        title=f"Where the hits for “{search['text']}” are",
        key=f"search-{index}",
        sought=_sought(search["query"]),
    )
    quote = element("blockquote", text(f"“{search['text']}”"))
    listed = element("ol", *(_hit(i, hit, rows[hit["name"]], sounds) for i, hit in enumerate(hits, 1)), class_="hits")
    column = element("div", quote, _chips(search["query"]), listed)
    return element("article", element("div", plan, column, class_="split"), class_="card")


def _numbered(rank: int, hit: Row) -> Mark:
    title = f"{rank}: {hit['name']}, {_said(hit)}"
    return Mark(
        azimuth_deg=hit["azimuth_deg"], elevation_deg=hit["elevation_deg"], kind="hit", label=str(rank), title=title
    )


def _sought(query: Row) -> Sought | None:
    if query["azimuth_deg"] is None and query["elevation"] is None:
        return None
    band = None if query["elevation"] is None else BANDS_DEG[query["elevation"]]
    return Sought(azimuth_deg=query["azimuth_deg"], elevations_deg=band)


def _chips(query: Row) -> str:
    parts = [("what", query["what"]), ("where", query["sector"]), ("height", query["elevation"])]
    chips = [element("li", text(f"{name}: {value}")) for name, value in parts if value]
    return element("ul", *chips, class_="chips", aria_label="How the sentence was understood")


def _hit(rank: int, hit: Row, row: Row, sounds: Sounds) -> str:
    verdict = element("span", text(_judgement(hit)), class_="good" if hit["right"] else "soft")
    place = f"heard {_said(hit)} · truly {_said(row['truth'])}"
    # A sentence with a place can earn half a point more than one without.
    share = hit["score"] / 1.5 if hit["where"] is not None and hit["what"] is not None else hit["score"]
    return element(
        "li",
        element("span", text(rank), class_="rank"),
        sounds.button(hit["name"], label=f"{row['caption']} ({hit['name']})"),
        element(
            "span",
            element("span", text(row["caption"].rstrip(".")), class_="what"),
            element("span", text(place), class_="where"),
        ),
        element("span", verdict, meter(share, description=f"score {hit['score']:.2f}"), class_="score"),
    )


def _judgement(hit: Row) -> str:
    if hit["right"]:
        return "right"
    if hit["right_what"]:
        return "other place"
    return "other sound" if hit["right_where"] else "neither"


def _edit(edit: Row, sounds: Sounds) -> str:
    panes = [_pane(name, edit, sounds) for name in ("before", "after")]
    done = (
        f"{edit['description']} Measured in the files that were written, the sound's direction went from azimuth "
        f"{_azimuth(edit['before'])} to {_azimuth(edit['after'])}."
    )
    return element(
        "section",
        element("h2", text("Move a sound by a sentence")),
        element("p", text("The whole sound field is rotated: nothing is generated, and nothing is lost.")),
        element(
            "article",
            element("blockquote", text(f"“{edit['sentence']}”")),
            element("div", *panes, class_="pair"),
            element("p", text(done), class_="soft"),
            class_="card",
        ),
    )


def _pane(name: str, edit: Row, sounds: Sounds) -> str:
    place, kind = edit[name]["intensity"], "before" if name == "before" else "after"
    marks = [_mark(place, kind, f"{name}: {_said(place)}")]
    if name == "after":
        marks.insert(0, _mark(edit["before"]["intensity"], "before", "where it was"))
    caption = element(
        "figcaption",
        element("strong", text(name.capitalize())),
        text(f": {_said(place)}. "),
        element("a", text("AmbiX"), href=edit[name]["file"]),
        text(" · "),
        element("a", text("headphones"), href=edit[name]["binaural"]),
    )
    plan = plan_view(marks, title=f"Where the sound is {name} the edit", key=f"edit-{name}")
    button = sounds.button(name, label=f"the recording {name} the edit")
    return element("figure", plan, element("div", button, caption, class_="row"))


def _locations(results: Row, clips: Mapping[str, Clip], sounds: Sounds) -> str:
    rows = results["recordings"]
    truths = [_mark(row["truth"], "truth", f"{row['name']}: {_said(row['truth'])}") for row in rows]
    answers = [_mark(row["model"], "model", "") for row in rows]
    plan = plan_view(
        truths + answers,
        title="True and located directions",
        key="locations",
        links=list(zip(truths, answers, strict=True)),
    )
    spreads = [
        Spread("model", [row["model"]["error_deg"] for row in rows], True),
        Spread("without learning", [row["intensity"]["error_deg"] for row in rows], False),
    ]
    strips = angle_strips(spreads, title="Angles between located and true directions", key="errors")
    marks = legend([(swatch("truth"), "truth"), (swatch("model"), "model"), (swatch("intensity"), "without learning")])
    return element(
        "section",
        element("h2", text("Where every sound is")),
        element("p", text(_verdict(results["summary"]))),
        element("div", element("div", plan, element("div", strips, marks), class_="split"), class_="card"),
        table(
            ("play", "sound", "file", "truth", "model", "off by", "without learning", "off by", "confidence"),
            [_location(row, clips[row["name"]], sounds) for row in rows],
            caption="Azimuth and elevation in degrees; left and up are positive. Confidence: chance to be within 20°.",
            figure_columns=(3, 4, 5, 6, 7, 8),
        ),
    )


def _verdict(summary: Row) -> str:
    learned, plain = summary["model"]["median_deg"], summary["intensity"]["median_deg"]
    comparison = (
        "The model is closer here than" if learned < plain else "On these recordings the model is no closer than"
    )
    return (
        f"{comparison} the un-learned direction beside it, the mean intensity vector at the onsets of the sound, which "
        "is a strong baseline for one sound at a time. Lines join each truth to the model's answer."
    )


def _location(row: Row, clip: Clip, sounds: Sounds) -> Sequence[str]:
    link = element("a", text(row["name"]), href=row["file"], title=row["caption"])
    return (
        sounds.button(row["name"], label=f"{row['caption']} ({row['name']})"),
        thumbnail(clip.omni, clip.rate_hz, description=f"Spectrogram of {row['name']}"),
        link,
        _angles(row["truth"]),
        _angles(row["model"]),
        f"{row['model']['error_deg']:.0f}°",
        _angles(row["intensity"]),
        f"{row['intensity']['error_deg']:.0f}°",
        f"{100 * row['model']['confidence']:.0f} %",
    )


def _closing(results: Row) -> str:
    made = (
        f"Made by salm {results['salm']} with the model {results['model']['name']} ({results['model']['digest']}). "
        f"Again: "
    )
    return element(
        "footer",
        element(
            "p",
            text(made),
            element("code", text(f"salm demo --seed {results['seed']}")),
            text(". Every number is in "),
            element("a", text("results.json"), href="results.json"),
            text("."),
            class_="soft",
        ),
    )


def _mark(place: Row, kind: Any, title: str) -> Mark:
    return Mark(azimuth_deg=place["azimuth_deg"], elevation_deg=place["elevation_deg"], kind=kind, title=title)


def _azimuth(measured: Row) -> str:
    # Wrapped after rounding, so that what is behind is +180 and never -180.
    return f"{wrap_deg(round(measured['intensity']['azimuth_deg'], 1)):+.1f}°".replace("-", "−")


def _said(place: Row) -> str:
    return Direction(place["azimuth_deg"], place["elevation_deg"]).spoken()


def _angles(place: Row) -> str:
    azimuth_deg, elevation_deg = wrap_deg(round(place["azimuth_deg"])), round(place["elevation_deg"])
    return text(f"{azimuth_deg:+.0f} / {elevation_deg:+d}".replace("-", "−"))
