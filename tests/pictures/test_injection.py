"""Words that would be markup change nothing in a page or picture but its text."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from salm.library.index import Hit, SearchResult
from salm.pictures.hits import hits_picture
from salm.pictures.scenes_page import scenes_page
from salm.pictures.timeline import timeline_picture
from salm.scanning.event import Event, Fit
from salm.scanning.timeline import Timeline
from salm.scenes.scene import Scene, Source
from salm.scenes.summary import summarise

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title></style></svg><script>alert(1)</script>",
    "]]><!-- &lt;b&gt; -->",
    "javascript:alert(1)",
]


class Skeleton(HTMLParser):
    """Tags and names of attributes, without any text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.bones: list[object] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bones.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.bones.append(tag)

    def handle_comment(self, data: str) -> None:
        self.bones.append("comment")


def hits(words: str) -> str:
    hit = Hit(
        file=f"/a/{words}.wav",
        start_s=0.0,
        end_s=1.0,
        score=0.5,
        azimuth_deg=90.0,
        elevation_deg=0.0,
        what=0.5,
        where=0.5,
        ambiguity=None,
        confidence=0.9,
    )
    return hits_picture(SearchResult(query=None, hits=(hit,)), title=words)


def scenes(words: str) -> str:
    source = Source(sound_id=words, caption=words, azimuth_deg=10.0, elevation_deg=0.0, distance_m=1.0)
    scene = Scene(seed=1, sources=(source,), room=None)
    head = {"corpus": words, "split": words}
    return scenes_page(f"{words}.jsonl", head, {words: 1}, summarise([scene]), [(0, scene)], seed=0)


def events(words: str) -> str:
    event = Event(
        onset_s=0.0,
        offset_s=9.0,
        track=0,
        azimuth_deg=90.0,
        elevation_deg=0.0,
        sector="left",
        confidence=0.9,
        cone_deg=9.0,
        ambiguity=None,
        level_db=-30.0,
        fits=(Fit(words, 0, 0.5, 0.9),),
    )
    return timeline_picture(
        Timeline(
            file=words,
            duration_s=10.0,
            layout="foa",
            sentences=(words,),
            model=None,
            front_deg=0.0,
            notes=(words,),
            events=(event,),
        )
    )


DRAWN = {"hits": hits, "scenes": scenes, "events": events}


@pytest.mark.parametrize("words", NASTY)
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_words_are_text_whatever_they_hold(draw: Callable[[str], str], words: str) -> None:
    assert Skeleton(draw(words)).bones == Skeleton(draw("a dog")).bones
