"""The conversations, word for word."""

import re

import pytest

from salm.errors import InputError
from salm.frame import parse_direction, sector_index
from salm.scenes.rephrase.prompts import PROMPTS, messages
from salm.scenes.rephrase.validate import failed_check

INSTRUCTION = "Rephrase the sentence in English to concisely describe the sound detail and the direction of its source."


def test_the_paper_s_prompt_is_that_of_its_section_3_1() -> None:
    said = messages("A dog barks.", 2, prompt="paper", vocabulary="compass", facing="south")
    assert said == [{"role": "user", "content": f"The sound: A dog barks is coming from the east. {INSTRUCTION}"}]


def test_the_paper_s_prompt_is_printed_in_the_paper(shared_dir) -> None:
    text = (shared_dir / "paper.md").read_text(encoding="utf-8")
    (said,) = messages("CAPTION", 2, prompt="paper", vocabulary="compass", facing="south")
    assert said["content"].replace("CAPTION", "<original caption>").replace("east", "<direction>") in text


def test_the_code_line_s_prompt_has_a_system_turn_and_quotes_the_caption() -> None:
    assert messages("A dog barks.", 6, prompt="code", vocabulary="compass", facing="north") == [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": '"A dog barks" is coming from the east.'},
    ]


def test_an_hour_has_no_article() -> None:
    for prompt, begin in (("paper", "The sound: A dog barks is"), ("code", '"A dog barks" is')):
        said = messages("A dog barks", 1, prompt=prompt, vocabulary="clock", facing="north")
        assert said[-1]["content"].startswith(f"{begin} coming from half past 10.")


@pytest.mark.parametrize("vocabulary", ["listener", "compass", "clock"])
@pytest.mark.parametrize("facing", ["north", "south"])
def test_examples_are_answers_that_would_be_accepted(vocabulary: str, facing: str) -> None:
    said = messages("Rain falls", 7, prompt="examples", vocabulary=vocabulary, facing=facing)
    assert [turn["role"] for turn in said] == ["system", *["user", "assistant"] * 3, "user"]
    for asked, answer in zip(said[1:-1:2], said[2:-1:2], strict=True):
        caption = re.fullmatch(r"The sound: (.*) is coming from .*", asked["content"])[1]
        place = parse_direction(asked["content"], facing=facing)
        sector = int(sector_index(place.azimuth_deg))
        assert (
            failed_check(answer["content"], caption=caption, sector=sector, vocabulary=vocabulary, facing=facing)
            is None
        )
    assert said[-1]["content"].startswith("The sound: Rain falls is coming from ")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompt": "poem"}, "the prompt is 'poem' but must be one of paper, code, examples."),
        ({"vocabulary": "bearing"}, "vocabulary is 'bearing' but must be one of listener, compass, clock."),
        ({"facing": "up"}, "facing is 'up' but must be one of north"),
    ],
)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_what_is_unknown_is_refused(wrong: dict[str, str], message: str, prompt: str) -> None:
    with pytest.raises(InputError, match=message):
        messages("A dog", 0, **{"prompt": prompt, "vocabulary": "compass", "facing": "south", **wrong})


def test_an_empty_caption_is_refused() -> None:
    with pytest.raises(InputError, match="is empty"):
        messages(" ", 0, prompt="paper", vocabulary="compass", facing="south")
