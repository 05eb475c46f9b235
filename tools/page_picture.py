"""Take the picture of `salm serve`'s page that is in the documentation: docs/page.png.

    python tools/page_picture.py OUT.png [FOLDER]

A take of three sounds and a small library are simulated in the folder, or found there; the page is used in headless
Chromium as a person would use it, and photographed.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from playwright.sync_api import Page, sync_playwright

import salm
from salm.scenes.corpora.procedural import ProceduralCorpus
from salm.scenes.rendering import render_scene
from salm.scenes.sample import draw_scene

RATE_HZ = 24_000
WIDTH = 1120
TAKE = {"dog": 2, "bell": 7, "footsteps": 4}
LIBRARY = {"rain": 1, "thunder": 4, "bird": 0, "siren": 6, "knock": 3}
"""Kinds of sounds and the sectors they come from."""
SENTENCES = "a dog barking on the left\na dog barking behind me\nrain from above"


def main(out: str, folder: str | None = None) -> None:
    home = Path(folder or mkdtemp(prefix="salm-page-"))
    take = simulated(home)
    with serving(home / "index") as url, sync_playwright() as play:
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(url)
        use(page, take)
        # As far as the second row of questions; the whole page would be twice as large a file.
        bottom = page.get_by_role("heading", name="Move it by a sentence").bounding_box()["y"] - 30
        page.screenshot(path=out, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": bottom})
        browser.close()


def simulated(home: Path) -> Path:
    """The take; beside it a library is made and indexed."""
    rng = np.random.default_rng(3)
    corpus = ProceduralCorpus(per_kind=1, seed=3, split="test")
    take = home / "take-1.wav"
    if not take.exists():
        parts = [scene(rng, corpus, kind, sector) for kind, sector in TAKE.items()]
        take.parent.mkdir(parents=True, exist_ok=True)
        salm.write(take, np.concatenate(parts, axis=1), RATE_HZ)
        for kind, sector in LIBRARY.items():
            salm.write(home / "library" / f"{kind}.flac", scene(rng, corpus, kind, sector), RATE_HZ)
        salm.Library(home / "index").add(home / "library", salm.load())
    return take


def scene(rng: np.random.Generator, corpus: ProceduralCorpus, kind: str, sector: int) -> np.ndarray:
    sound = next(sound for sound in corpus.sounds if sound.id.startswith(f"{kind}-"))
    samples = render_scene(draw_scene(rng, sound, sector=sector), corpus, rate_hz=RATE_HZ)[:, : 5 * RATE_HZ]
    return samples * np.float32(0.5 / np.abs(samples).max())


@contextmanager
def serving(library: Path) -> Iterator[str]:
    """The address of a server with the library."""
    words = [sys.executable, "-m", "salm", "serve", "--port", "0", "--json", "--library", f"takes={library}"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()


def use(page: Page, take: Path) -> None:
    """What a person might do with it."""
    page.set_default_timeout(120_000)
    page.set_input_files("#file", take)
    page.get_by_role("button", name="Locate").click()
    page.locator("#located table").wait_for()
    page.get_by_label("Sentences, one a line").fill(SENTENCES)
    page.get_by_role("button", name="Rank").click()
    page.locator("#ranked table").wait_for()
    page.get_by_label("What to do").fill("move it to the right")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.locator("#edited a").first.wait_for()
    page.get_by_label("What may be heard").fill("a dog barking\na bell\nfootsteps\nrain")
    page.get_by_role("button", name="Scan").click()
    page.locator("#scanned table").wait_for()
    page.get_by_label("What, where, or both").fill("thunder behind me")
    page.get_by_role("button", name="Search").click()
    page.locator("#hits li").first.wait_for()
    page.get_by_label("A: original").check()
    page.locator("#position").fill("6")
    page.locator("#turn").fill("-30")


if __name__ == "__main__":
    main(*sys.argv[1:])
