"""``salm evaluate``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from salm.cli.command import Command, Layout, at_least, chosen_rows
from salm.cli.telling import complain, scene_bar

__all__ = ["Evaluate"]


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Measure a model on simulated scenes by the default protocol, beside the un-learned baselines."""

    model_name: Positional[str]
    """A model that ships, a folder, or a hub id."""
    corpus: Path | None = None
    """Folder with sounds and a manifest; left out, the built-in procedural sounds."""
    layout: Layout = "manifest"
    """How the corpus is laid out, if it is a published one and has no manifest."""
    split: str = "test"
    """Split of the corpus."""
    rows: tuple[str, ...] = ()
    """Only rows of the manifest with these values, as COLUMN=VALUE."""
    scenes: int = 500
    """Scenes to draw."""
    seed: int = 0
    """Of everything."""

    def run(self) -> int:
        """Evaluate and print the tables."""
        from salm.evaluation.protocol import evaluate
        from salm.evaluation.report import print_report
        from salm.scenes.corpora import open_corpus

        at_least(0, seed=self.seed)
        rows = chosen_rows(self.rows)
        corpus = open_corpus(self.corpus, split=self.split, layout=self.layout, rows=rows)
        model = self.model(self.model_name)
        report = evaluate(model, corpus, scenes=self.scenes, seed=self.seed, rows=rows, progress=scene_bar)
        self.tell(report, lambda: print_report(report))
        if self.corpus is None:
            complain("no --corpus was given: these are synthesised sounds, which say little of real ones.")
        return 0
