"""The examples of a page, run as a reader would run them, and held against the output that the page shows.

    python tools/examples.py FOLDER docs/guide/edit.md ...    # shows what differs; FOLDER has a salm-demo
    python tools/examples.py --write FOLDER docs/guide/*.md   # and writes it into the pages

The fenced blocks of a page run in order, in one folder:

``console``
    Commands after ``$ `` (and ``> `` for further lines of one), each followed by all that it prints.
``bash``
    A command a line, which has to succeed; what it prints is not shown.
``python``
    Either a program, or ``>>>`` with what it prints.

A block after ``<!-- not run: REASON -->`` is left out. In shown output ``...`` stands for anything and white space for
any other; a number with a decimal point, a sign, a per cent or a degree sign may differ by one in its last place,
because processors round differently. (sybil would read the pages too, but one test a block in shared state does not go
with tests that are spread over processes.)
"""

import difflib
import doctest
import functools
import glob
import io
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import salm

__all__ = ["PREFIX", "Example", "differences", "examples", "matches", "reasons"]

HOME = "/home/me/recordings"
"""What stands in the pages for the folder in which they are run; as long as its name, so that tables stay straight."""
PREFIX = "takes-"
BLOCK = re.compile(r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^\$ (?P<command>.*\n(?:> .*\n)*)(?P<shown>(?:(?!\$ ).*\n)*)", re.M)
NUMBER = re.compile(r"(?<![\w.])(?P<sign>[+−±-]?)(?P<number>\d+(?:\.\d+)?)(?P<unit>[%°]?)(?![\w.]*\w)")
SHELL = frozenset({"|", ">", "<", "&&", "<<"})


@dataclass(frozen=True, kw_only=True)
class Example:
    """One thing to run, and where in the page its output stands."""

    kind: str
    code: str
    shown: str
    span: tuple[int, int]
    """Of what is shown, in the text of the page."""


def examples(text: str) -> Iterator[Example]:
    """What a page asks its reader to run, in order."""
    for block in BLOCK.finditer(text):
        code, start = block["code"], block.start("code")
        if block["reason"]:
            continue
        if block["kind"] == "console":
            for found in COMMAND.finditer(code):
                span = (start + found.start("shown"), start + found.end("shown"))
                command = found["command"].replace("\n> ", "\n")
                yield Example(kind="shell", code=command, shown=found["shown"], span=span)
        elif block["kind"] == "bash":
            for line in code.replace("\\\n", " ").splitlines():
                yield Example(kind="line", code=line, shown="", span=(start, start))
        elif block["kind"] == "python" and ">>> " not in code:
            yield Example(kind="program", code=code, shown="", span=(start, start))
        elif block["kind"] == "python":
            lines = code.splitlines(keepends=True)
            for one in doctest.DocTestParser().get_examples(code):
                first = one.lineno + one.source.count("\n")
                begin = start + len("".join(lines[:first]))
                yield Example(kind="prompt", code=one.source, shown=one.want, span=(begin, begin + len(one.want)))


def reasons(text: str) -> list[str]:
    """Why blocks of a page are not run."""
    return [block["reason"] for block in BLOCK.finditer(text) if block["reason"]]


def differences(text: str, folder: Path) -> Iterator[tuple[Example, str]]:
    """Run the examples of a page in a folder; each that says something else than is shown, with what it says."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(folder):
        for example in examples(text):
            status, said = _run(example, names)
            said = said.replace(str(folder.resolve()), HOME).replace(str(folder), HOME)
            shows = example.kind in ("shell", "prompt")
            if not matches(example.shown, said) if shows else status != 0:
                yield example, said


def matches(shown: str, said: str) -> bool:
    """Whether what was said is what is shown."""
    pattern, numbers, end = "", [], 0
    shown = " ".join(shown.split())
    for found in NUMBER.finditer(shown):
        loose = "." in found["number"] or found["sign"] or found["unit"]
        pattern += _literal(shown[end : found.start("number")])
        pattern += r"(\d+(?:\.\d+)?)" if loose else re.escape(found["number"])
        numbers += [found["number"]] * bool(loose)
        end = found.end("number")
    whole = re.fullmatch(pattern + _literal(shown[end:]), " ".join(said.split()), re.S)
    return whole is not None and all(map(_near, numbers, whole.groups()))


def _literal(text: str) -> str:
    return ".*?".join(map(re.escape, text.split("...")))


def _near(shown: str, said: str) -> bool:
    """By one in the last place at most."""
    places = len(shown.partition(".")[2])
    return abs(float(shown) - float(said)) < 1.5 * 10**-places


def _run(example: Example, names: dict[str, Any]) -> tuple[int, str]:
    """Exit status, and all that was printed."""
    if example.kind in ("shell", "line"):
        return _shell(example.code)
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        exec(compile(example.code, "<page>", "single" if example.kind == "prompt" else "exec"), names)
    return 0, output.getvalue()


def _shell(line: str) -> tuple[int, str]:
    words = shlex.split(line, comments=True)
    if not words:
        return 0, ""
    if words[0] != "salm" or SHELL & set(words):
        done = subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout
    # In this process, so that packages and weights need not be read again for every command.
    from salm.cli import main

    output = io.StringIO()
    with patch.object(salm, "load", _load), redirect_stdout(output), redirect_stderr(output):
        try:
            status = main([name for word in words[1:] for name in sorted(glob.glob(word)) or [word]])
        except SystemExit as end:
            status = int(end.code or 0)
    return status, output.getvalue()


_load = functools.cache(salm.load)


def _main(words: list[str]) -> None:
    write = words[0] == "--write"
    demo, *pages = map(Path, words[write:])
    for page in pages:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            shutil.copytree(demo / "salm-demo", Path(folder, "salm-demo"))
            found = list(differences(text, Path(folder)))
        for example, said in reversed(found):
            sys.stdout.write(f"{page}: {example.code}")
            sys.stdout.writelines(difflib.ndiff(example.shown.splitlines(True), said.splitlines(True)))
            sys.stdout.flush()
            text = text[: example.span[0]] + said + text[example.span[1] :]
        if write:
            page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
