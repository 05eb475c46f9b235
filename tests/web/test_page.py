"""The page in a real browser, used as a person would use it."""

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect, sync_playwright

import salm
from salm.audio.arrays import CHANNELS
from salm.audio.binaural import ear_filters, to_binaural
from salm.audio.rotate import rotate, rotation_matrix

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no chromium here to try the page in")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, ready; afterwards nothing may have been asked of other servers or gone wrong unseen."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    strangers: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: request.url.startswith(address) or strangers.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: "Content Security" in line.text and faults.append(line.text))
    page.goto(address)
    page.locator("html[data-ready]").wait_for(state="attached")
    yield page
    context.close()
    assert not strangers
    assert not faults


@pytest.fixture
def opened(page: Page, take: Path) -> Page:
    """The page with the take open."""
    page.locator("#file").set_input_files(take)
    expect(page.locator("#listen")).to_be_visible()
    return page


def test_a_recording_is_opened(opened: Page) -> None:
    expect(opened.locator("#facts")).to_have_text("take.wav · 2.0 s · 24 kHz · Ambisonics")
    expect(opened.locator("#clock")).to_have_text("0:00.0 / 0:02.0")
    expect(opened.get_by_role("button", name="Play")).to_be_visible()
    inked = opened.evaluate(
        "[...document.querySelectorAll('canvas')].map(canvas => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0))"
    )
    assert inked == [True, True]


def test_all_known_channel_layouts_can_be_chosen(page: Page) -> None:
    values = page.locator("#layout option").evaluate_all("options => options.map(option => option.value)")
    assert sorted(values) == sorted(["", *CHANNELS])


def test_a_recording_can_be_dropped_anywhere(page: Page, take: Path) -> None:
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], "dropped.wav"));
            document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
        }""",
        list(take.read_bytes()),
    )
    expect(page.locator("#facts")).to_contain_text("dropped.wav")


def test_it_plays_pauses_and_ends(opened: Page) -> None:
    play = opened.locator("#play")
    play.click()
    expect(play).to_have_text("Pause")
    expect(opened.locator("#clock")).not_to_have_text("0:00.0 / 0:02.0")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "false")
    opened.locator("#position").fill("1.9")
    expect(opened.locator("#clock")).to_have_text("0:01.9 / 0:02.0")
    play.click()
    expect(play).to_have_text("Play")
    expect(opened.locator("#clock")).to_have_text("0:00.0 / 0:02.0")


def in_page(page: Page, module: str, body: str, argument: Any) -> Any:
    """Run a few lines with a module of the page at hand."""
    return page.evaluate(f"async given => {{ const module = await import('/page/{module}'); {body} }}", argument)


@pytest.mark.parametrize(("turn_deg", "look_deg"), [(0, 0), (90, 0), (-35, 20), (180, -90)])
def test_ears_hear_what_the_headphone_preview_does(
    page: Page, wave: Callable[..., np.ndarray], turn_deg: int, look_deg: int
) -> None:
    rate_hz, count = 48_000, 4_800
    field = (wave(70.0, 25.0, seed=5) + wave(-120.0, -40.0, seed=6))[:, :count]
    heard = in_page(
        page,
        "ears.js",
        """
        const context = new OfflineAudioContext(2, given.field[0].length, given.rate);
        const head = await (await fetch(`/api/head?rate_hz=${given.rate}`)).json();
        const ears = new module.Ears(context, head);
        ears.turn(given.turn, given.look);
        ears.output.connect(context.destination);
        const buffer = context.createBuffer(4, given.field[0].length, given.rate);
        given.field.forEach((samples, channel) => buffer.copyToChannel(Float32Array.from(samples), channel));
        const source = new AudioBufferSourceNode(context, { buffer });
        source.connect(ears.input);
        source.start();
        const made = await context.startRendering();
        return [0, 1].map((ear) => Array.from(made.getChannelData(ear)));
        """,
        {"field": field.astype(float).tolist(), "rate": rate_hz, "turn": turn_deg, "look": look_deg},
    )
    # The head turns one way, the field the other way around it.
    turned = rotate(field, rotation_matrix(turn_deg, look_deg, 0.0).T)
    lead = ear_filters(rate_hz)[1]
    expected = to_binaural(turned, rate_hz)
    assert np.array(heard)[:, lead:] == pytest.approx(expected[:, :-lead], abs=2e-5)


@pytest.mark.parametrize(
    ("form", "subtype"),
    [("WAV", name) for name in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
    + [("WAVEX", "PCM_16"), ("WAVEX", "FLOAT"), ("RF64", "FLOAT")],
)
def test_wav_files_are_decoded(
    page: Page, wave: Callable[..., np.ndarray], wav: Callable[..., bytes], form: str, subtype: str
) -> None:
    content = wav(wave(30.0, 10.0)[:, :301], form=form, subtype=subtype)
    decoded = in_page(
        page,
        "wav.js",
        """
        const { rateHz, channels } = module.decodeWav(Uint8Array.from(given).buffer);
        return { rateHz, channels: channels.map((samples) => Array.from(samples)) };
        """,
        list(content),
    )
    expected, rate_hz = soundfile.read(io.BytesIO(content), dtype="float32")
    assert decoded["rateHz"] == rate_hz
    samples = np.array(decoded["channels"], np.float32).T
    assert samples == pytest.approx(expected, abs=1e-7)


def test_what_is_no_wav_file_is_said(page: Page) -> None:
    for content in ([], list(b"RIFF"), list(b"RIFF\0\0\0\0WAVE")):
        with pytest.raises(Exception, match=r"This (is no WAV file|WAV file holds no sound)\."):
            in_page(page, "wav.js", "return module.decodeWav(Uint8Array.from(given).buffer);", content)


def test_the_head_turns_by_keyboard_and_by_dragging(opened: Page) -> None:
    turn = opened.get_by_label("Turn your head")
    turn.focus()
    turn.press("ArrowLeft")
    turn.press("ArrowLeft")
    expect(turn).to_have_attribute("aria-valuetext", "10° to the left")
    expect(opened.locator("#plan .head")).to_have_attribute("transform", "rotate(-10 150 150)")
    box = opened.locator("#plan").bounding_box()
    opened.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    expect(turn).to_have_attribute("aria-valuetext", "90° to the right")
    opened.get_by_role("button", name="Face the front").click()
    expect(turn).to_have_attribute("aria-valuetext", "straight ahead")
    look = opened.get_by_label("Look up or down")
    look.press("ArrowRight")
    expect(look).to_have_attribute("aria-valuetext", "5° up")


def test_locating_is_said_and_drawn(
    page: Page, tmp_path: Path, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]
) -> None:
    path = tmp_path / "left.wav"
    path.write_bytes(wav(wave(90.0)))
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Locate").click()
    answer = page.locator("#located-says")
    expect(answer).to_have_text(
        re.compile(r"Left: azimuth \+(89|90|91)°, elevation .*, within ±\d+°, confidence .*%\.")
    )
    expect(page.locator("#now")).to_contain_text("At this moment left: azimuth")
    page.get_by_label("without learning").check()
    page.get_by_role("button", name="Locate").click()
    expect(answer).to_contain_text("Left: azimuth +90°, elevation 0°, confidence")
    expect(page.locator("#plan .mark.model")).to_have_count(1)
    expect(page.locator("#plan-desc")).to_contain_text("located: left")
    page.get_by_label("Only this sound").fill("rain")
    page.get_by_role("button", name="Locate").click()
    expect(page.locator("#locate .problem")).to_contain_text("Intensity knows no words")


def test_sentences_are_ranked(opened: Page) -> None:
    opened.get_by_label("Sentences, one a line").fill("rain\n\n  a dog barking  \n")
    opened.get_by_role("button", name="Rank").click()
    cells = opened.locator("#ranked tbody tr td:first-child")
    expect(cells).to_have_count(2)
    assert set(cells.all_inner_texts()) == {"rain", "a dog barking"}
    expect(opened.locator("#ranked-says")).to_have_text(f"Best fit: {cells.first.inner_text()}")
    # What goes wrong does not leave the answer to another question standing below it.
    opened.get_by_label("Sentences, one a line").fill("")
    opened.get_by_role("button", name="Rank").click()
    expect(opened.locator("#rank .problem")).to_contain_text("Write one or more sentences")
    expect(cells).to_have_count(0)
    expect(opened.locator("#ranked-says")).to_be_hidden()


def test_an_edit_is_compared_and_downloaded(opened: Page, take: Path) -> None:
    opened.locator("#position").fill("0.7")
    opened.get_by_role("button", name="move it to the left").click()
    opened.get_by_label("What to do").fill("turn it 90 degrees clockwise")
    opened.keyboard.press("Enter")
    expect(opened.locator("#edited-says")).to_contain_text("Turned everything by 90 degrees")
    expect(opened.get_by_label("B: edited")).to_be_checked()
    expect(opened.locator("#clock")).to_have_text("0:00.7 / 0:02.0")
    opened.get_by_label("A: original").check()
    expect(opened.locator("#clock")).to_have_text("0:00.7 / 0:02.0")
    expect(opened.locator("#plan .mark.before")).to_have_count(1)
    expect(opened.locator("#plan .mark.after")).to_have_count(1)
    with opened.expect_download() as download:
        opened.get_by_role("link", name="Download AmbiX").click()
    assert download.value.suggested_filename == "take edited.wav"
    written = salm.read(download.value.path())
    assert np.array_equal(written.samples, salm.edit(salm.read(take), "turn it by -90 degrees").recording.samples)
    opened.get_by_role("button", name="Discard the edit").click()
    expect(opened.get_by_label("B: edited")).to_be_hidden()
    expect(opened.get_by_label("What to do")).to_be_focused()


def test_an_edit_can_be_edited_again(opened: Page) -> None:
    opened.get_by_label("What to do").fill("swap left and right")
    opened.get_by_role("button", name="Edit", exact=True).click()
    opened.get_by_role("button", name="Go on from here").click()
    expect(opened.locator("#facts")).to_contain_text("take edited.wav · 2.0 s")
    expect(opened.locator("#edited-says")).to_be_empty()
    opened.get_by_role("button", name="Edit", exact=True).click()
    expect(opened.get_by_role("link", name="Download AmbiX")).to_have_attribute("download", "take edited edited.wav")


def test_changing_sides_while_it_plays_keeps_the_time(opened: Page) -> None:
    opened.get_by_label("What to do").fill("swap left and right")
    opened.get_by_role("button", name="Edit", exact=True).click()
    expect(opened.get_by_label("B: edited")).to_be_checked()
    opened.locator("#play").click()
    expect(opened.locator("#clock")).not_to_have_text("0:00.0 / 0:02.0")
    before, after = opened.evaluate(
        """() => {
            const time = () => document.getElementById("clock").textContent;
            const before = time();
            document.querySelector("[value=original]").click();
            return [before, time()];
        }"""
    )
    seconds = [float(text.split(" / ")[0].split(":")[1]) for text in (before, after)]
    assert 0 <= seconds[1] - seconds[0] <= 0.2


def test_a_library_is_searched_heard_and_opened(page: Page) -> None:
    page.get_by_label("What, where, or both").fill("noise from the right")
    page.get_by_role("button", name="Search").click()
    first = page.locator("#hits li").first
    expect(first).to_contain_text("right.wav")
    expect(page.locator(".chips")).to_contain_text("right")
    listen = first.get_by_role("button", name="Listen to hit 1")
    listen.click()
    expect(listen).to_have_text("Stop")
    expect(listen).to_have_text("Listen")
    first.get_by_role("button", name="Open").click()
    expect(page.locator("#facts")).to_contain_text("right.wav · 1.0 s")
    page.get_by_label("What, where, or both").fill("from behind")
    page.get_by_label("like the open recording").check()
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#hits li").first).to_contain_text("behind.wav")


def test_a_scan_runs_and_tells(opened: Page) -> None:
    opened.get_by_label("What may be heard").fill("rain\na dog barking")
    opened.get_by_role("button", name="Scan").click()
    expect(opened.locator("#scan-says")).to_contain_text("Done: ")
    expect(opened.locator("#scanned tbody tr")).not_to_have_count(0)
    count = opened.locator("#scanned tbody tr").count()
    expect(opened.locator("#scan-says")).to_have_text(f"Done: {count} {'event' if count == 1 else 'events'}.")
    for name, file, lines in (
        ("Audacity labels", "take-audacity.txt", count),
        ("Reaper regions", "take-reaper.csv", count + 1),
    ):
        with opened.expect_download() as started:
            opened.get_by_role("link", name=name).click()
        assert started.value.suggested_filename == file
        assert len(Path(started.value.path()).read_text(encoding="utf-8").splitlines()) == lines


def test_a_scan_can_be_cancelled(opened: Page, address: str) -> None:
    state = {"id": "abc", "state": "running", "done_s": 1.0, "total_s": 4.0, "result": None, "error": None}

    def answer(route: Any) -> None:
        if route.request.method == "DELETE":
            state["state"] = "cancelled"
        route.fulfill(body=json.dumps(state), content_type="application/json")

    opened.route("**/api/scan**", answer)
    opened.route("**/api/scan/**", answer)
    opened.get_by_role("button", name="Scan").click()
    # What changes all the time is shown beside what is announced.
    expect(opened.locator("#scan-far")).to_have_text("0:01.0 of 0:04.0")
    expect(opened.get_by_role("status").filter(has_text="Scanning")).to_have_text("Scanning …")
    opened.get_by_role("button", name="Cancel").focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("#scan-says")).to_have_text("Cancelled.")
    expect(opened.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(opened.get_by_role("button", name="Scan")).to_be_focused()


def test_errors_are_one_friendly_line(opened: Page, tmp_path: Path) -> None:
    problem = opened.locator("#recording-problem")
    notes = tmp_path / "notes.txt"
    notes.write_text("no audio", encoding="utf-8")
    opened.locator("#file").set_input_files(notes)
    expect(problem).to_contain_text("notes.txt is no audio file that can be read")
    expect(opened.locator("#facts")).to_contain_text("take.wav")
    big = tmp_path / "big.wav"
    big.write_bytes(bytes(5_000_001))
    opened.locator("#file").set_input_files(big)
    expect(problem).to_have_text("big.wav is larger than 5 MB; salm serve --max-mb takes more.")
    opened.get_by_role("button", name="Rank").click()
    expect(opened.locator("#rank .problem")).to_contain_text("Write one or more sentences")
    opened.get_by_label("What to do").fill("make me a coffee")
    opened.get_by_role("button", name="Edit", exact=True).click()
    expect(opened.locator("#edit .problem")).to_contain_text("is not understood")
    opened.route("**/api/rank", lambda route: route.abort())
    opened.get_by_label("Sentences, one a line").fill("rain")
    opened.get_by_role("button", name="Rank").click()
    expect(opened.locator("#rank .problem")).to_contain_text("The server does not answer")


def test_what_channels_cannot_tell_is_said(
    page: Page, tmp_path: Path, wave: Callable[..., np.ndarray], wav: Callable[..., bytes]
) -> None:
    mono = tmp_path / "mono.wav"
    mono.write_bytes(wav(wave(0.0)[:1]))
    page.locator("#file").set_input_files(mono)
    expect(page.locator("#notes")).to_contain_text("One channel cannot tell where a sound comes from.")
    expect(page.locator("#map-says")).to_have_text("This recording has no directions to draw.")
    page.get_by_role("button", name="Locate").click()
    expect(page.locator("#located-says")).to_contain_text("No direction: one channel holds no direction")


def test_everything_is_reached_by_keyboard_and_seen(opened: Page) -> None:
    reached = []
    opened.evaluate("document.activeElement.blur()")
    for _ in range(60):
        opened.keyboard.press("Tab")
        reached.append(opened.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        width = opened.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert reached[-1] == "" or width != "0px", reached[-1]
    wanted = {"file", "layout", "turn", "look", "ahead", "play", "volume", "position", "locate-what", "Locate"}
    wanted |= {"rank-text", "Rank", "edit-sentence", "Edit", "scan-text", "Scan", "search-text", "Search"}
    assert wanted <= set(reached)
    opened.locator("#play").focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("#play")).to_have_text("Pause")
    opened.keyboard.press("Space")
    expect(opened.locator("#play")).to_have_text("Play")


def test_everything_has_a_name_for_screen_readers(opened: Page) -> None:
    opened.get_by_label("What, where, or both").fill("noise")
    opened.get_by_role("button", name="Search").click()
    expect(opened.locator("#hits li")).not_to_have_count(0)
    nodes = opened.context.new_cdp_session(opened).send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "searchbox", "slider", "combobox", "checkbox", "radio", "image", "link", "list"}
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert len(named) > 25
    assert [role for role, name in named if not name and role != "list"] == []


def test_directions_are_called_as_everywhere_else(page: Page) -> None:
    places = [
        (float(azimuth), float(elevation)) for azimuth in np.arange(-180, 180, 7.5) for elevation in (-90, -20, 0, 20)
    ]
    made = in_page(
        page,
        "words.js",
        "return given.map(([azimuth_deg, elevation_deg]) => module.spoken({ azimuth_deg, elevation_deg }));",
        places,
    )
    assert made == [salm.Direction(*place).spoken() for place in places]


def test_numbers_are_written_for_people(page: Page) -> None:
    told = in_page(
        page,
        "words.js",
        "const { degrees, clock, percent } = module;"
        "return [given[0].map(degrees), given[1].map(clock), given[2].map(percent)];",
        [[-179.8, -0.4, 45.4, -90, 180], [59.94, 59.96, 3605], [1, 0.999, 0.97]],
    )
    assert told == [
        ["180°", "0°", "+45°", "−90°", "180°"],
        ["0:59.9", "1:00.0", "60:05.0"],
        ["100\u00a0%", "over 99\u00a0%", "97\u00a0%"],
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    names = (
        "--ink",
        "--soft",
        "--wrong",
        "--salm-accent",
        "--salm-ochre",
        "--paper",
        "--card",
        "--salm-on-accent",
        "--edge",
    )
    hexes = page.evaluate(
        "names => names.map(name => getComputedStyle(document.documentElement).getPropertyValue(name).trim())", names
    )
    colours = dict(zip(names, map(luminance, hexes), strict=True))
    for text in names[:4]:
        assert min(contrast(colours[text], colours[on]) for on in ("--paper", "--card")) >= 4.5, text
    assert contrast(colours["--salm-on-accent"], colours["--salm-accent"]) >= 4.5
    assert contrast(colours["--edge"], colours["--card"]) >= 3
    assert contrast(colours["--salm-ochre"], colours["--card"]) >= 3


def luminance(colour: str) -> float:
    """As WCAG defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


def test_a_narrow_window_needs_no_sideways_scrolling(opened: Page) -> None:
    opened.set_viewport_size({"width": 360, "height": 700})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
