"""A library of recordings: ``salm index`` and ``search``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

import salm
from salm.cli.command import Command, Format, plain
from salm.cli.telling import Bar, complain, say, table
from salm.errors import InputError

__all__ = ["IndexAdd", "Search"]


@dataclass(frozen=True, kw_only=True)
class IndexAdd(Command):
    """Index folders of recordings; files that have not changed are skipped."""

    folders: Positional[tuple[Path, ...]]
    """Folders or files."""
    to: Path
    """The library: a folder that is made if need be."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """A model that ships, a folder, or a hub id."""
    layout: Format = None
    """What the channels of all files are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Index; files that cannot be read are named and left out."""
        if not self.folders:
            raise InputError("there is nothing to index; give folders or audio files.")
        library, model = salm.Library(self.to), self.model(self.model_name)
        with Bar("indexing", unit="file") as bar:
            report = library.add(list(self.folders), model, layout=self.layout, progress=bar)
        for file, note in report.noted:
            complain(f"{file}: {note}")
        for path, reason in report.failed:
            complain(reason if path in reason else f"{path}: {reason}")
        document = {"library": str(self.to), **plain(report), "failed": [file._asdict() for file in report.failed]}
        document["noted"] = [note._asdict() for note in report.noted]
        counts = f"{len(report.added)} added, {len(report.skipped)} unchanged"
        more = "".join(f", {len(document[what])} {what}" for what in ("removed", "failed") if document[what])
        self.tell(document, lambda: say(f"{counts}{more} in {self.to}"))
        return 2 if report.failed else 0


@dataclass(frozen=True, kw_only=True)
class Search(Command):
    """Search a library by words (what, where, or both) or by an example."""

    library: Positional[Path]
    """A library made by `salm index add`."""
    text: Positional[str] = ""
    """Such as "dog from the left"; with --like only where, such as "from the left", or nothing."""
    like: Path | None = None
    """A recording: find what sounds like it, from its direction or from the one in the text."""
    limit: int = 10
    """Hits to show."""
    facing: str = "north"
    """Where the front is on the compass."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """The model the library was made with."""
    layout: Format = None
    """What the channels of the example are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Print the hits, best first."""
        library = salm.Library(self.library, must_exist=True)
        example = None if self.like is None else self.recording(self.like, self.layout)
        model = self.model(self.model_name)
        if example is None:
            result = library.search(self.text, model, limit=self.limit, facing=self.facing)
        else:
            result = library.search_like(example, model, where=self.text, limit=self.limit, facing=self.facing)
        hits = [plain(hit) for hit in result.hits]
        query = result.query.to_dict() if result.query else None
        self.tell({"query": query, "hits": hits}, lambda: table(hits))
        return 0
