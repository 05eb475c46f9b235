"""Timelines of long recordings: ``salm scan``."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from salm.cli.command import Command, Out
from salm.cli.telling import Bar, counted, say

__all__ = ["Scan"]


@dataclass(frozen=True, kw_only=True)
class Scan(Command):
    """Timeline of a long recording: what is heard from where, from when to when."""

    file: Positional[Path]
    """A recording of any length."""
    out: Out
    """Where to write the events."""
    # As `salm.scan.Format`, whose import would make every command wait.
    format: Literal["dcase", "audacity", "reaper", "json"] = "dcase"
    """DCASE rows of 100 ms, Audacity labels, Reaper regions, or JSON."""
    sentences: tuple[str, ...] = ()
    """What may be heard; each event gets the sentence that fits best."""
    hop_s: float = 1.0
    """Seconds between answers."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""

    def run(self) -> int:
        """Scan the file and write its events."""
        from salm.scan import scan, write_events

        model = self.model(self.model_name)
        with Bar("scanning", unit="hop") as bar:
            events = scan(self.file, model, self.sentences, hop_s=self.hop_s, progress=bar)
        write_events(self.out, events, self.format)
        document = {"file": str(self.file), "out": str(self.out), "events": [asdict(event) for event in events]}
        self.tell(document, lambda: say(f"{counted(len(events), 'event')} in {self.out}"))
        return 0
