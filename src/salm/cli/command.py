"""What every command understands, and the kinds of options that several share."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from tyro.conf import arg

import salm
from salm.cli.telling import STEERING
from salm.errors import InputError

if TYPE_CHECKING:
    from salm.audio.recording import Recording
    from salm.model.inference import Model

__all__ = ["Command", "Format", "Layout", "Out", "ResponseLayout", "at_least", "check_picture", "chosen_rows", "plain"]

# More is a slip, and would take the whole machine's.
_MOST_THREADS = 1024

Out = Annotated[Path, arg(aliases=["-o"])]
Format = Annotated[str | None, arg(aliases=["--format"])]
# As `salm.scenes.corpora.CorpusLayout`, whose import would make every command wait.
Layout = Literal["manifest", "clotho", "audiocaps", "fsd50k", "esc50"]
# As `salm.acoustics.measured.ResponseLayout`, for the same reason.
ResponseLayout = Literal["sofa", "tau-srir", "folder"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command understands."""

    repeatable: ClassVar[frozenset[str]] = frozenset()
    """Options that may be there several times, all of which count."""

    json: bool = False
    """Print one JSON document on standard output."""
    device: str = "cpu"
    """Where the model runs: cpu, cuda, mps."""
    threads: int = 0
    """Threads to compute with; 0 leaves the choice to torch."""

    def run(self) -> int:
        """Do it; the exit status."""
        raise NotImplementedError

    def compute_with_threads(self) -> None:
        """Keep torch to the chosen number of threads."""
        at_least(0, threads=self.threads)
        if self.threads > _MOST_THREADS:
            raise InputError(f"--threads is {self.threads} but must be at most {_MOST_THREADS}.")
        if self.threads:
            import torch

            torch.set_num_threads(self.threads)

    def model(self, name: str) -> "Model":
        """A trained model on the chosen device."""
        self.check_device()
        return salm.load(name, device=self.device)

    def recording(self, path: str | Path, layout: str | None = None) -> "Recording":
        """A recording; what was converted, or cannot be known of it, goes to standard error."""
        from salm.cli.telling import complain

        recording = salm.read(path, layout=layout)
        for note in recording.notes:
            complain(f"{path}: {note}")
        return recording

    def check_device(self) -> None:
        """Refuse a device that is not there."""
        import torch

        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"--device {self.device} cannot be used here; try cpu.") from error

    def tell(self, document: Any, text: Callable[[], None]) -> None:
        """Print the document as JSON, or what is for people."""
        if self.json:
            written = json.dumps(document, ensure_ascii=False, allow_nan=False)
            sys.stdout.write(STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", written) + "\n")
        else:
            text()


def at_least(least: int, **options: int) -> None:
    """Refuse options that are less than they may be."""
    for name, value in options.items():
        if value < least:
            raise InputError(f"--{name.replace('_', '-')} is {value} but must be at least {least}.")


def chosen_rows(pairs: Sequence[str]) -> dict[str, str]:
    """Columns and values of ``--rows``."""
    split = [pair.partition("=") for pair in pairs]
    wrong = [pair for pair, (_, sign, _) in zip(pairs, split, strict=True) if not sign]
    if wrong:
        raise InputError(f"--rows {wrong[0]}: expected COLUMN=VALUE, such as licence_class=permissive.")
    return {column: value for column, _, value in split}


def check_picture(path: Path | None) -> None:
    """Refuse a name for ``--plot`` that is not of SVG, before anything is computed."""
    if path is not None and path.suffix.lower() != ".svg":
        raise InputError(f"--plot {path}: a picture is SVG, and its name must end in .svg.")


def plain(item: Any) -> dict[str, Any]:
    """A dataclass as it goes into JSON."""
    return dict(json.loads(json.dumps(asdict(item), default=str)))
