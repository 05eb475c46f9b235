"""Checkpoints are read for their numbers only: whatever else a file wants does not happen, and one line says so."""

import argparse
import collections
import contextlib
import io
import os
import pathlib
import pickle
import sys
import types
import typing
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from salm.errors import InputError
from salm.model.checkpoints import UNREAD, downloaded, read_tensors

WEIGHTS = {"first.weight": torch.arange(6.0).reshape(2, 3), "second": torch.tensor(7)}


def refused(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(InputError) as caught:
        read_tensors(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    assert line.endswith(".")
    return line


def same(read: dict[str, torch.Tensor]) -> bool:
    return list(read) == list(WEIGHTS) and all(torch.equal(value, WEIGHTS[key]) for key, value in read.items())


class Touch:
    """Leaves a mark when a pickle is trusted."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


class Open(Touch):
    def __reduce__(self) -> Any:
        return open, (str(self.marker), "w")


class Evaluate(Touch):
    def __reduce__(self) -> Any:
        return eval, (f"open({str(self.marker)!r}, 'w')",)


class TestWeights:
    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize(
        "content", [WEIGHTS, {"epoch": 3, "state_dict": WEIGHTS}, collections.OrderedDict(WEIGHTS)]
    )
    def test_what_torch_saves(self, tmp_path: Path, content: Any, zipped: bool) -> None:
        torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
        assert same(read_tensors(tmp_path / "a.pt"))

    def test_parameters(self, tmp_path: Path) -> None:
        torch.save({"a": torch.nn.Parameter(torch.ones(2))}, tmp_path / "a.pt")
        assert not read_tensors(tmp_path / "a.pt")["a"].requires_grad

    def test_safetensors_by_any_name(self, tmp_path: Path) -> None:
        save_file(WEIGHTS, tmp_path / "a.bin")
        read = read_tensors(tmp_path / "a.bin")
        assert all(torch.equal(read[key], value) for key, value in WEIGHTS.items())

    def test_numbers_of_numpy_beside_them(self, tmp_path: Path) -> None:
        """As LAION-CLAP's training leaves them, by the names of either generation of numpy."""
        content = {"loss": np.float64(0.25), "step": np.int64(4), "state_dict": WEIGHTS}
        torch.save(content, tmp_path / "new.pt")
        assert same(read_tensors(tmp_path / "new.pt"))
        replaced(tmp_path / "new.pt", tmp_path / "old.pt", b"numpy._core", b"numpy.core")
        assert same(read_tensors(tmp_path / "old.pt"))

    def test_settings_of_training_frameworks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As Lightning leaves them, whether or not their packages are here."""
        settings = {"kind": typing.Any, "flags": collections.defaultdict(dict), "type": dict}
        for module, name in (name.rsplit(".", 1) for name in UNREAD if name.startswith("omegaconf.")):
            made = type(name, (), {"__module__": module})
            for package in {"omegaconf", module} - set(sys.modules):
                monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
            setattr(sys.modules[module], name, made)
            settings[name] = made()
            settings[name].held = {"inner": made, "content": [1, "two"]}
        content = {"hyper_parameters": settings, "path": pathlib.PosixPath("/a/b"), "args": argparse.Namespace(lr=0.1)}
        torch.save(content | {"state_dict": WEIGHTS}, tmp_path / "a.ckpt")
        monkeypatch.undo()
        assert "omegaconf.dictconfig" not in sys.modules
        assert same(read_tensors(tmp_path / "a.ckpt"))

    def test_the_allow_list_is_taken_back(self, tmp_path: Path) -> None:
        before = set(torch.serialization.get_safe_globals())
        torch.save(WEIGHTS, tmp_path / "a.pt")
        read_tensors(tmp_path / "a.pt")
        assert set(torch.serialization.get_safe_globals()) == before


class TestMalice:
    @pytest.mark.parametrize(
        ("kind", "named"), [(Touch, f"{os.system.__module__}.system"), (Open, "open"), (Evaluate, "eval")]
    )
    @pytest.mark.parametrize("form", ["zip", "legacy", "pickle 2", "pickle 4", "pickle 5", "zip 4"])
    def test_nothing_runs_and_the_line_says_what_would_have(
        self, tmp_path: Path, kind: type[Touch], named: str, form: str
    ) -> None:
        marker, path = tmp_path / "marker", tmp_path / "bad.pt"
        content = {"state_dict": {**WEIGHTS, "third": kind(marker)}}
        if form.startswith("pickle"):
            path.write_bytes(pickle.dumps({"bad": kind(marker)}, protocol=int(form[-1])))
        else:
            protocol = 4 if form.endswith("4") else 2
            torch.save(content, path, _use_new_zipfile_serialization=form != "legacy", pickle_protocol=protocol)
        line = refused(path)
        assert f"{named}, which is no part of weights and could run anything: it was not read" in line
        assert not marker.exists()
        # The check would notice.
        if form == "pickle 4" and kind is Touch:
            pickle.loads(path.read_bytes())
            assert marker.exists()

    def test_a_class_of_somebodys_own(self, tmp_path: Path) -> None:
        torch.save({"state_dict": WEIGHTS, "config": zipfile.ZipInfo("a")}, tmp_path / "a.pt")
        assert "wants zipfile.ZipInfo, which is no part of weights" in refused(tmp_path / "a.pt")

    def test_what_stands_for_nothing_is_no_weight(self, tmp_path: Path) -> None:
        torch.save({"state_dict": {"a": np.float64(1)}}, tmp_path / "a.pt")
        assert "holds no weights by name" in refused(tmp_path / "a.pt")

    @pytest.mark.parametrize("value", [torch.empty(3, device="meta"), torch.eye(3).to_sparse()])
    def test_tensors_without_all_their_numbers(self, tmp_path: Path, value: torch.Tensor) -> None:
        torch.save({"a": value}, tmp_path / "a.pt")
        assert "holds no weights by name" in refused(tmp_path / "a.pt")


class TestDamage:
    def test_there_is_nothing(self, tmp_path: Path) -> None:
        assert refused(tmp_path / "a.pt").endswith("does not exist.")
        (tmp_path / "b.pt").touch()
        assert refused(tmp_path / "b.pt").endswith("is empty; expected safetensors or what torch.save writes.")
        assert refused(tmp_path).endswith("is a folder; give a checkpoint file.")

    @pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
    @pytest.mark.parametrize("part", [0.02, 0.3, 0.8, 0.95])
    def test_truncated(self, tmp_path: Path, form: str, part: float) -> None:
        path = tmp_path / "a.pt"
        if form == "safetensors":
            save_file(WEIGHTS, path)
        else:
            torch.save(WEIGHTS, path, _use_new_zipfile_serialization=form == "zip")
        path.write_bytes(path.read_bytes()[: round(part * path.stat().st_size)])
        assert "is damaged, or no checkpoint" in refused(path)

    def test_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "text.pt").write_text("These are no weights.\n" * 9, encoding="utf-8")
        (tmp_path / "json.pt").write_text('{"state": {"a": 1}}', encoding="utf-8")
        (tmp_path / "zeros.pt").write_bytes(bytes(1000))
        with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
            archive.writestr("a.txt", "no checkpoint")
        for name in ("text", "json", "zeros", "zip"):
            assert "is damaged, or no checkpoint that can be read safely; expected" in refused(tmp_path / f"{name}.pt")

    def test_random_bytes_are_never_a_fault_of_ours(self, tmp_path: Path, rng: np.random.Generator) -> None:
        buffer = io.BytesIO()
        torch.save({"state_dict": WEIGHTS}, buffer, _use_new_zipfile_serialization=False)
        for number in range(60):
            content = bytearray(buffer.getvalue())
            for place in rng.integers(0, len(content), 3):
                content[place] = rng.integers(256)
            path = tmp_path / f"{number}.pt"
            path.write_bytes(content)
            # Some changes only make another number.
            with contextlib.suppress(InputError):
                read_tensors(path)

    @pytest.mark.parametrize(
        ("content", "held"),
        [
            ({"model": {"a": torch.ones(1)}, "step": 3}, "it holds model, step"),
            ([torch.ones(1)], "it holds a list"),
            ({}, "it holds"),
            (torch.ones(3), "it holds a Tensor"),
        ],
    )
    def test_no_weights_by_name(self, tmp_path: Path, content: Any, held: str) -> None:
        torch.save(content, tmp_path / "a.pt")
        line = refused(tmp_path / "a.pt")
        assert "holds no weights by name: expected them, perhaps under state_dict" in line
        assert held in line


def test_a_hub_that_does_not_answer_gives_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(hub_id: str, **_: object) -> str:
        raise OSError("We couldn't connect.\nCheck your network.")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(InputError, match=r"^some/clap: not a folder here, .*We couldn't connect\.$"):
        downloaded("some/clap", ["config.json"])


def replaced(source: Path, target: Path, old: bytes, new: bytes) -> None:
    """A copy of a zip file with other words in its pickle."""
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as written:
        for member in read.namelist():
            content = read.read(member)
            assert not member.endswith(".pkl") or old in content
            written.writestr(member, content.replace(old, new) if member.endswith(".pkl") else content)
