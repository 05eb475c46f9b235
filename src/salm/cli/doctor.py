"""What a file is: ``salm doctor``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from salm.cli.command import Command, Format, plain
from salm.cli.telling import complain, say
from salm.errors import InputError

if TYPE_CHECKING:
    from salm.audio.doctor import Diagnosis

__all__ = ["Doctor"]

_SURE_ENOUGH = 0.7


@dataclass(frozen=True, kw_only=True)
class Doctor(Command):
    """What format is this, how sure is that, what is wrong with it, and what would be converted."""

    files: Positional[tuple[Path, ...]]
    """Audio files."""
    write: Path | None = None
    """Folder to write what has to be converted to, as AmbiX; the originals stay, and nothing is overwritten."""
    layout: Format = None
    """What the files are, where you know it: ambix, n3d, fuma, a-format, dcase-mic, em32. The sound is checked against
    it."""

    def run(self) -> int:
        """Diagnose every file; one bad file does not stop the rest."""
        if not self.files:
            raise InputError("there is nothing to diagnose; give one or more audio files.")
        results = []
        for path in self.files:
            result: dict[str, Any] = {"file": str(path), "error": None}
            try:
                result |= self._diagnosed(path)
            except InputError as error:
                result["error"] = str(error)
                complain(str(error))
            results.append(result)
        self.tell({"files": results}, lambda: None)
        return 2 if any(result["error"] for result in results) else 0

    def _diagnosed(self, path: Path) -> dict[str, Any]:
        from salm.audio.doctor import converted, diagnose_file

        diagnosis, samples, integers = diagnose_file(path, layout=self.layout)
        if not self.json:
            _print_diagnosis(path, diagnosis)
        found = plain(diagnosis)
        found["balance"] = None if diagnosis.balance is None else diagnosis.balance._asdict()
        if self.write is None:
            return {**found, "written": None}
        reason = self._why_not(diagnosis)
        if reason is not None:
            if not self.json:
                say(f"  not written: {reason}")
            return {**found, "written": None, "not_written": reason}
        out = self.write / f"{path.stem}.wav"
        _write_new(out, converted(diagnosis, samples), diagnosis.rate_hz, integers=integers)
        if not self.json:
            say(f"  written as AmbiX: {out}")
        return {**found, "written": str(out)}

    def _why_not(self, diagnosis: "Diagnosis") -> str | None:
        if diagnosis.layout in ("mono", "stereo", "unknown"):
            return "there is no sound field to convert."
        if diagnosis.conversion is None:
            return "it is first-order AmbiX already."
        if self.layout is None and diagnosis.confidence < _SURE_ENOUGH:
            return f"{diagnosis.confidence:.0%} is not sure enough; say with --layout what it is."
        return None


def _write_new(path: Path, samples: Any, rate_hz: int, *, integers: bool) -> None:
    """As 24 bits where the original had no more and nothing would clip, in floating point otherwise."""
    import numpy as np

    from salm.audio.recording import write

    if path.exists():
        raise InputError(f"{path} is there already and is not overwritten; give another folder.")
    fits = integers and float(np.abs(samples).max(initial=0.0)) < 1
    write(path, samples, rate_hz, subtype="PCM_24" if fits else "FLOAT")


def _print_diagnosis(path: Path, diagnosis: "Diagnosis") -> None:
    shape = f"{diagnosis.channels} ch, {diagnosis.rate_hz} Hz, {diagnosis.duration_s:.1f} s"
    say(f"{path}: {diagnosis.title}, {diagnosis.confidence:.0%} sure ({shape})")
    others = [f"{name} {value:.0%}" for name, value in diagnosis.alternatives.items() if name != diagnosis.layout]
    likely = [text for text in others if not text.endswith(" 0%")]
    if likely:
        say(f"  or: {', '.join(likely)}")
    if diagnosis.channel_order is not None:
        say(f"  channel order: {diagnosis.channel_order} ({diagnosis.channel_order_from})")
    for line in diagnosis.evidence:
        say(f"  {line}")
    if diagnosis.conversion is not None:
        say(f"  to AmbiX: {diagnosis.conversion}.")
    for defect in diagnosis.defects:
        say(f"  defect: {defect.text}")
