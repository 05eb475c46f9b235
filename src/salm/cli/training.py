"""``salm train``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from salm.cli.command import Command
from salm.cli.telling import facts, say
from salm.errors import InputError

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model, or go on with a run that was stopped; `accelerate launch -m salm.cli train` uses several GPUs."""

    config: Positional[Path]
    """YAML file; see configs/."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Folder of the run; if it holds a checkpoint, training goes on from there."""
    data: Path | None = None
    """Train on the corpus in this folder instead of the ones that the file names."""
    init: str | None = None
    """Start from the weights of this model: one that ships, a folder, or a hub id."""
    dry_run: bool = False
    """Only try a step out, and say how large and how long the run would be."""

    def run(self) -> int:
        """Train."""
        from salm.training.config import read_train_config
        from salm.training.devices import is_first_process
        from salm.training.dry_run import describe
        from salm.training.run import train

        self.check_device()
        config = read_train_config(self.config, data=self.data)
        if self.dry_run:
            summary = describe(config, device=self.device)
            self.tell(summary, lambda: facts(summary))
            return 0
        if self.out is None:
            raise InputError("there is no folder to train into; give one with -o.")
        folder = train(config, self.out, init=self.init, device=self.device)
        if is_first_process():
            self.tell({"model": str(folder)}, lambda: say(f"The model is in {folder}"))
        return 0
