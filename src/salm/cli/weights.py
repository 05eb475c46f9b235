"""Weights from elsewhere and for elsewhere: ``salm import`` and ``export``."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tyro.conf import Positional

from salm.cli.command import Command, Out, at_least, plain
from salm.cli.telling import complain, say, table

if TYPE_CHECKING:
    from salm.model.ledger import Report

__all__ = ["Export", "ImportHuggingFace", "ImportLaionClap", "ImportPseldnets"]


@dataclass(frozen=True, kw_only=True)
class Import(Command):
    """Public weights as a model of ours."""

    file: Positional[str]
    """The checkpoint."""
    out: Out
    """Folder to make, with the model and the account of every weight (import.json)."""
    preset: str | None = None
    """base, which nothing said means, salm_s, or for CLAP alone laion_clap."""
    onto: str | None = None
    """Add to this model: a folder made by another import, or a hub id."""
    seed: int = 0
    """Of the weights that the file does not hold."""

    def bring(self) -> "Report":
        """Import; what became of every weight."""
        raise NotImplementedError

    def run(self) -> int:
        """Print what became of the weights."""
        at_least(0, seed=self.seed)
        report = self.bring()
        self.tell({"out": str(self.out), **plain(report)}, lambda: table(report.rows()))
        if not self.json:
            say(f"The model is in {self.out}, the account of every weight in {self.out / 'import.json'}")
        for note in report.notes:
            complain(note)
        return 0


@dataclass(frozen=True, kw_only=True)
class ImportLaionClap(Import):
    """Import LAION-CLAP's weights (.pt): what, text and projections."""

    tokenizer: str | None = None
    """RoBERTa's tokenizer: a tokenizer.json, a folder, or a hub id."""

    def bring(self) -> "Report":
        """Import a file of LAION-CLAP."""
        from salm.model.pretrained import import_laion_clap

        return import_laion_clap(
            self.file, self.out, preset_name=self.preset, onto=self.onto, tokenizer=self.tokenizer, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True)
class ImportPseldnets(Import):
    """Import PSELDNets' weights (.ckpt): where, and the normalisation."""

    def bring(self) -> "Report":
        """Import a file of PSELDNets."""
        from salm.model.pretrained import import_pseldnets

        return import_pseldnets(self.file, self.out, preset_name=self.preset, onto=self.onto, seed=self.seed)


@dataclass(frozen=True, kw_only=True)
class ImportHuggingFace(Import):
    """Import transformers' ClapModel from a folder or a hub id."""

    tokenizer: str | None = None
    """RoBERTa's tokenizer, if another one than lies beside the weights."""

    def bring(self) -> "Report":
        """Import a folder of transformers."""
        from salm.model.pretrained import import_hugging_face

        return import_hugging_face(
            self.file, self.out, preset_name=self.preset, onto=self.onto, tokenizer=self.tokenizer, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a model as ONNX files that run without torch, features included."""

    model_name: Positional[str]
    """A model that ships, a folder, or a hub id."""
    out: Out
    """Folder for audio.onnx, text.onnx, tokenizer.json and export.json."""

    def run(self) -> int:
        """Write the files and say how far they agree with the model."""
        from salm.model.export import export

        model = self.model(self.model_name)
        difference = export(model, self.out)
        document = {"out": str(self.out), "model": model.digest, "largest_difference": difference}
        agree = f"embeddings of length one differ from torch's by at most {difference:.1e}"
        self.tell(document, lambda: say(f"{self.model_name} in {self.out}; {agree}"))
        return 0
