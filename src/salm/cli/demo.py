"""``salm demo``."""

import json
from dataclasses import dataclass
from pathlib import Path

from salm.cli.command import Command, Out, at_least
from salm.cli.telling import remark, say

__all__ = ["Demo"]


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Simulate a small library, index it, search, locate, edit, and write a page of results."""

    out: Out = Path("salm-demo")
    """Folder for the recordings, the results and the page."""
    seed: int = 0
    """Another seed is another library."""

    def run(self) -> int:
        """Write the page and say where it is."""
        from salm.demo import run_demo

        at_least(0, seed=self.seed)
        page = run_demo(self.out, model=self.model("small"), seed=self.seed, progress=remark)
        results = json.loads((self.out / "results.json").read_text(encoding="utf-8"))
        self.tell({"page": str(page), **results}, lambda: say(f"Open {page}"))
        return 0
