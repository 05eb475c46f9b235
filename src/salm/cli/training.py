"""``salm train``."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from salm.cli.command import Command
from salm.cli.telling import facts, remark, say, scene_bar, table
from salm.errors import InputError

if TYPE_CHECKING:
    from salm.training.config import TrainConfig

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model, go on with a run that was stopped, or teach a model sounds of your own.

    `salm train --init small --data my.csv -o mine` needs no file of settings: it fine-tunes in minutes and says what
    was gained and what was forgotten. `accelerate launch -m salm train` uses several GPUs.
    """

    config: Positional[Path | None] = None
    """YAML file, see configs/; without one, --init is fine-tuned on --data."""
    out: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Folder of the run; if it holds a checkpoint, training goes on from there."""
    data: Path | None = None
    """Train on the corpus in this folder, or on the sounds that this CSV table lists, instead of the file's corpora."""
    init: str | None = None
    """Start from the weights of this model: one that ships, a folder, or a hub id."""
    dry_run: bool = False
    """Only try a step out, and say how large and how long the run would be."""

    def run(self) -> int:
        """Train."""
        from salm.training.devices import is_first_process
        from salm.training.dry_run import describe
        from salm.training.fine_tune import compare
        from salm.training.run import train

        self.check_device()
        config = self._settings()
        if self.dry_run:
            summary = describe(config, device=self.device)
            self.tell(summary, lambda: facts(summary))
            return 0
        if self.out is None:
            raise InputError("there is no folder to train into; give one with -o.")
        folder = train(config, self.out, init=self.init, device=self.device, threads=self.threads)
        if not is_first_process():
            return 0
        said: dict[str, Any] = {"model": str(folder)}
        if self.config is None and self.init is not None:
            remark("The model before and after is measured")
            said["report"] = compare(self.init, folder, config, device=self.device, progress=scene_bar)
        self.tell(said, lambda: _show(said))
        return 0

    def _settings(self) -> "TrainConfig":
        from salm.scenes.corpora import open_corpus
        from salm.scenes.corpora.folder import FolderCorpus
        from salm.training.config import read_train_config
        from salm.training.fine_tune import fine_tuning

        if self.config is not None:
            return read_train_config(self.config, data=self.data)
        if self.init is None or self.data is None:
            raise InputError("there is nothing to train; give a YAML file, or both --init and --data.")
        corpus = open_corpus(self.data, split=None)
        if isinstance(corpus, FolderCorpus) and "azimuth_deg" in corpus.columns:
            remark("azimuth_deg is not used: sounds are taken as dry and put at simulated places")
        return fine_tuning(self.init, self.data)


def _show(said: dict[str, Any]) -> None:
    if report := said.get("report"):
        say(
            f"Held out: {report['held_out']['sounds']} of your sounds. Forgetting: {report['forgetting']['sounds']} "
            "built-in sounds. Recall at 1 in %, error in degrees, 95 % intervals over sounds."
        )
        table(list(_rows(report)))
    say(f"The model is in {said['model']}")


def _rows(report: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, about in report.items():
        for what, way in (
            ("semantic", "text_to_audio_r1"),
            ("semantic", "audio_to_text_r1"),
            ("spatial", "text_to_audio_r1"),
            ("spatial", "audio_to_text_r1"),
            ("mean_deg", ""),
        ):
            row = {"on": name.replace("_", " "), "figure": f"{what} {way[:-3]}".replace("_", " ").strip()}
            for when in ("before", "after"):
                value, bounds = about[when][what], about[when]["intervals"][what]
                row[when] = _cell(value[way], bounds[way], 100.0) if way else _cell(value, bounds, 1.0)
            yield row


def _cell(value: float, bounds: list[float], scale: float) -> str:
    low, high = (scale * bound for bound in bounds)
    return f"{scale * value:.1f} [{low:.1f}–{high:.1f}]"
