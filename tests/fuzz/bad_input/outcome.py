"""What comes of one case: understood, refused in one line, or a failure; and that its input stays as it is."""

import contextlib
import hashlib
import io
import json
import math
import resource
import signal
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from salm.cli import main
from salm.errors import InputError

__all__ = ["LONGEST_LINE", "Case", "Failure", "Outcome", "Surface", "command", "limited", "outcome_of"]

PROCESSOR_S, WALL_S = 10, 60
"""A case may compute for so long, and take so long on a machine with other things to do."""
MEMORY_BYTES = 2 << 30
"""What a case may take beyond what the process had before."""
LONGEST_LINE = 1010
"""More characters than this are no clear line."""


class Failure(Exception):  # noqa: N818
    """Something that must not come of any input."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One piece of bad input: files, and what is done with them."""

    surface: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Content by path, below the folder of the case."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What else is given, ready for JSON."""

    def save(self, folder: Path) -> None:
        """Write it down, to be replayed."""
        self.write(folder / "files")
        (folder / "case.json").write_text(json.dumps({"surface": self.surface, "told": self.told}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Case":
        """A case that was written down."""
        plain, files = json.loads((folder / "case.json").read_text(encoding="utf-8")), folder / "files"
        content = {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}
        return cls(surface=plain["surface"], told=plain["told"], files=content)

    def write(self, folder: Path) -> None:
        """The files, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case."""

    kind: str
    """``understood``, ``refused`` or ``failure``."""
    said: str = ""
    """The line, or what went wrong."""


class Surface(Protocol):
    """Where cases go in; raises `InputError` for what is refused and `Failure` for what must not be."""

    def __call__(self, case: Case, folder: Path, out: Path) -> None:
        """Feed a case whose files are in a folder; anything may be written to another."""


def outcome_of(case: Case, surface: Surface, *, trace: bool = False) -> Outcome:
    """Feed a case, under limits; what is no `InputError` is traced on standard error if that is asked for."""
    with TemporaryDirectory(prefix="bad-") as place:
        folder, out = Path(place) / "in", Path(place) / "out"
        case.write(folder)
        out.mkdir()
        before = _digests(folder)
        try:
            with _timed(), warnings.catch_warnings():
                warnings.simplefilter("error")
                surface(case, folder, out)
            found = Outcome(kind="understood")
        except InputError as error:
            found = _refused(str(error))
        except Failure as error:
            found = Outcome(kind="failure", said=str(error))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if trace:
                traceback.print_exc()
            last = traceback.extract_tb(error.__traceback__)[-1]
            salm = [f for f in traceback.extract_tb(error.__traceback__) if "/src/salm/" in f.filename] or [last]
            where = " <- ".join(f"{Path(f.filename).stem}:{f.lineno}" for f in reversed(salm[-3:]))
            found = Outcome(kind="failure", said=f"{type(error).__name__}: {str(error)[:200]!r} at {where}")
        if _digests(folder) != before:
            return Outcome(kind="failure", said="the input was changed")
        halves = [path.name for path in out.rglob("*") if ".part" in path.name]
        return Outcome(kind="failure", said=f"half-written: {halves}") if halves else found


def command(*arguments: str | Path) -> Any:
    """Run a command with ``--json``; what it says.

    Raises
    ------
    InputError
        If it is refused with status 2 and one line.
    Failure
        If it ends otherwise, or says what is no JSON.
    """
    words = list(map(str, arguments))
    words.insert(words.index("--") if "--" in words else len(words), "--json")
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            status = main(words)
        except SystemExit as error:
            raise Failure(f"exit {error.code}: {complained.getvalue()[:300]}") from error
    lines = complained.getvalue().splitlines()
    if stray := [line for line in lines if not line.startswith(("salm: ", "understood: "))]:
        raise Failure(f"stray line: {stray[0][:200]}")
    if status == 2 and lines:
        raise InputError(lines[-1].removeprefix("salm: "))
    if status != 0:
        raise Failure(f"exit {status}")
    document = json.loads(said.getvalue(), parse_constant=_no_number)
    _check_finite(document)
    return document


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Memory bounded for this process, from now on."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _refused(line: str) -> Outcome:
    if "\n" in line or not line.strip():
        return Outcome(kind="failure", said=f"not one line: {line[:200]!r}")
    if len(line) > LONGEST_LINE:
        return Outcome(kind="failure", said=f"a line of {len(line)} characters: {line[:200]!r}")
    return Outcome(kind="refused", said=line)


@contextlib.contextmanager
def _timed() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Failure(f"it takes more than {PROCESSOR_S} s")

    before = [(kind, signal.signal(kind, late)) for kind in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind, handler in before:
            signal.signal(kind, handler)


def _digests(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def _no_number(text: str) -> None:
    raise Failure(f"the JSON holds {text}")


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Failure(f"the JSON holds {value}")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_finite(part)
