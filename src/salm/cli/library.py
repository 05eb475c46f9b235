"""A library of recordings: ``salm index`` and ``search``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

import salm
from salm.cli.command import Command, Format, at_least, check_picture, plain
from salm.cli.telling import Bar, complain, mention, say, table
from salm.errors import InputError
from salm.whole import check_outputs

if TYPE_CHECKING:
    from salm.library.index import AddReport, SearchResult

__all__ = ["IndexAdd", "Search"]


# As `salm.library.index.Method`, whose import would make every command wait.
_Method = Literal["exact", "faiss"]


@dataclass(frozen=True, kw_only=True)
class IndexAdd(Command):
    """Index folders of recordings; files that have not changed are skipped."""

    folders: Positional[tuple[Path, ...]]
    """Folders or files."""
    to: str
    """The library: a folder that is made if need be, or http://SERVER:6333/NAME on a Qdrant server."""
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
        document = {
            "library": self.to,
            **plain(report),
            "moved": [file._asdict() for file in report.moved],
            "failed": [file._asdict() for file in report.failed],
            "noted": [note._asdict() for note in report.noted],
        }
        self.tell(document, lambda: self._say(report))
        return 2 if report.failed else 0

    def _say(self, report: "AddReport") -> None:
        counts = f"{len(report.added)} added, {len(report.skipped)} unchanged"
        rarer = {"moved": report.moved, "removed": report.removed, "failed": report.failed}
        for moved in report.moved:
            say(f"moved: {moved.was} -> {moved.file}")
        for file in report.removed:
            say(f"removed: {file}")
        say(f"{counts}{''.join(f', {len(files)} {what}' for what, files in rarer.items() if files)} in {self.to}")


@dataclass(frozen=True, kw_only=True)
class Search(Command):
    """Search a library by words (what, where, or both), conditions, or an example."""

    library: Positional[str]
    """A library made by `salm index add`: a folder, or http://SERVER:6333/NAME on a Qdrant server."""
    text: Positional[str] = ""
    """Such as "dog from the left" or "rain AND dog from:left elevation:>20 NOT music"; with --like only where, such as
    "from the left" or "like this but from behind", or nothing. Conditions: from: azimuth: elevation: confidence:
    duration: file:"""
    like: Path | None = None
    """A recording: find what sounds like it, from its direction or from the one in the text."""
    limit: int = 10
    """Hits to show."""
    facing: str = "north"
    """Where the front is on the compass, for words such as "from the west"."""
    method: _Method = "exact"
    """How a folder is searched: exactly, or through faiss, which looks at a part of a large library only."""
    plot: Path | None = None
    """Write a picture of where the hits are, from above, as an SVG file."""
    model_name: Annotated[str, arg(name="model")] = "small"
    """The model the library was made with."""
    layout: Format = None
    """What the channels of the example are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32."""

    def run(self) -> int:
        """Print the hits, best first."""
        self._check()
        library = salm.Library(self.library, method=self.method, must_exist=True)
        example = None if self.like is None else self.recording(self.like, self.layout)
        model = self.model(self.model_name)
        if example is None:
            result = library.search(self.text, model, limit=self.limit, facing=self.facing)
        else:
            result = library.search_like(example, model, where=self.text, limit=self.limit, facing=self.facing)
        if self.plot is not None:
            from salm.pictures.hits import draw_hits

            draw_hits(self.plot, result, title=self.text or f"Like {self.like}")
        hits = [plain(hit) for hit in result.hits]
        self.tell({"query": result.query and result.query.to_dict(), "hits": hits}, lambda: self._say(result, hits))
        return 0

    def _check(self) -> None:
        """Refuse what cannot be asked before what takes seconds: torch, and a model."""
        from salm.library.query import parse_query, parse_where

        at_least(1, limit=self.limit)
        check_picture(self.plot)
        check_outputs([self.plot], inputs=[self.like])
        understand = parse_query if self.like is None else parse_where
        understand(self.text, facing=self.facing)
        if self.facing != "north" and not self.text.strip():
            raise InputError(f"--facing {self.facing} turns words such as 'from the west', and there are none.")

    def _say(self, result: "SearchResult", hits: list[dict[str, Any]]) -> None:
        if result.query is not None:
            mention(f"understood: {result.query}")
        table(hits)
