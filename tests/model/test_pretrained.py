"""Imports from a file to a folder that loads: by the commands, in both orders, and refused in one line."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import ClapConfig, ClapModel

import salm
from salm.cli import main
from salm.errors import InputError
from salm.model import hub, pretrained
from salm.model.mapping import laion_clap, pseldnets
from salm.model.pretrained import import_hugging_face, import_laion_clap, import_pseldnets

MODEL = {"config.json", "model.safetensors", "import.json"}


class Ran(NamedTuple):
    status: int
    out: str
    err: list[str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def ran(*words: object) -> Ran:
        capsys.readouterr()
        status = main(["import", *(str(word) for word in words)])
        out, err = capsys.readouterr()
        return Ran(status, out, err.splitlines())

    return ran


@pytest.fixture(autouse=True)
def little_presets(monkeypatch: pytest.MonkeyPatch, little: Any) -> None:
    """The paper's models in a size that costs nothing."""
    own = pretrained.preset
    monkeypatch.setattr(
        pretrained, "preset", lambda name: little.config(name) if own(name).text == "roberta" else own(name)
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, little: Any) -> Path:
    """Checkpoints of all kinds, and a tokenizer."""
    folder = tmp_path_factory.mktemp("files")
    clap = {"epoch": 45, "name": "HTSAT-tiny", "state_dict": little.laion_clap()}
    torch.save(clap, folder / "630k.pt")
    torch.save({"state_dict": little.laion_clap(fusion=True)}, folder / "630k-fusion.pt")
    save_file(little.laion_clap(), folder / "630k.safetensors")
    torch.save({"state_dict": little.einv2(), "epoch": 7, "hparams_name": None}, folder / "einv2.ckpt")
    torch.save({"state_dict": little.accdoa()}, folder / "accdoa.ckpt")
    tokenizer = ByteLevelBPETokenizer()
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(["a dog barks"], vocab_size=280, special_tokens=marks, show_progress=False)
    (folder / "tokenizer").mkdir()
    tokenizer.save_model(str(folder / "tokenizer"))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


class TestTheTwoCommands:
    """PSELDNets, then LAION-CLAP onto it."""

    @pytest.fixture
    def made(self, run: Callable[..., Ran], files: Path, tmp_path: Path) -> list[Ran]:
        return [
            run("pseldnets", files / "einv2.ckpt", "-o", tmp_path / "start"),
            run(
                *("laion-clap", files / "630k.pt", "--onto", tmp_path / "start"),
                *("--tokenizer", files / "tokenizer", "-o", tmp_path / "deep" / "base"),
            ),
        ]

    def test_the_weights_are_what_the_mapping_says(self, made: list[Ran], little: Any, tmp_path: Path) -> None:
        assert [ran.status for ran in made] == [0, 0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            own = hub.build_frozen(little.config("base")).state_dict()
        start = pseldnets(little.einv2(), own).values
        assert equal(weights(tmp_path / "start"), start)
        assert equal(weights(tmp_path / "deep" / "base"), laion_clap(little.laion_clap(), start, onto=True).values)
        assert {value.dtype for value in weights(tmp_path / "start").values()} == {torch.float32, torch.int64}

    def test_the_model_loads_and_reads_sentences(self, made: list[Ran], little: Any, tmp_path: Path) -> None:
        assert names(tmp_path / "start") == MODEL
        assert names(tmp_path / "deep" / "base") == MODEL | {"tokenizer.json"}
        assert names(tmp_path) == {"start", "deep"}
        model = salm.load(str(tmp_path / "deep" / "base"))
        assert model.config == little.config("base")
        assert (model.config.name, model.config.facing) == ("base", "south")
        assert model.embed_text(["a dog barks", "a dog"]).shape == (2, 12)
        with pytest.raises(InputError, match="no tokenizer"):
            salm.load(str(tmp_path / "start")).embed_text(["a dog"])

    def test_what_is_said(self, made: list[Ran], tmp_path: Path) -> None:
        start, base = made
        for ran in made:
            first = [line.split()[0] for line in ran.out.splitlines() if line[0] != " "]
            assert first == ["list", "matched", "adapted", "ignored", "missing", "The"]
        assert f"The model is in {tmp_path / 'start'}" in start.out
        assert start.err == [
            "salm: the text tower and the projections are random: import LAION-CLAP's weights --onto this model next."
        ]
        assert base.err == []

    def test_the_account_has_both_imports(self, made: list[Ran], files: Path, tmp_path: Path) -> None:
        account = json.loads((tmp_path / "deep" / "base" / "import.json").read_text(encoding="utf-8"))
        first, second = account["imports"]
        assert (first["kind"], first["onto"], second["kind"], second["onto"]) == (
            "pseldnets",
            False,
            "laion-clap",
            True,
        )
        for entry, name in ((first, "einv2.ckpt"), (second, "630k.pt")):
            digest = hashlib.sha256((files / name).read_bytes()).hexdigest()
            assert entry["source"] == {"file": name, "sha256": digest}
            assert set(entry["versions"]) == {"salm", "torch", "transformers", "safetensors"}
            assert all(entry[part] for part in ("matched", "adapted", "ignored", "missing"))
        assert second["missing"]["pair.stitches.0.weight"] == "reset to the identity"
        assert second["missing"]["direction_head.0.0.bias"].endswith("kept from the model that it was imported onto")
        assert second["matched"]["module.logit_scale_a"] == "logit_scale"

    def test_the_other_order_gives_the_same(
        self, made: list[Ran], run: Callable[..., Ran], files: Path, tmp_path: Path
    ) -> None:
        run("laion-clap", files / "630k.pt", "--tokenizer", files / "tokenizer", "-o", tmp_path / "clap")
        ran = run("pseldnets", files / "einv2.ckpt", "--onto", tmp_path / "clap", "-o", tmp_path / "other")
        assert (ran.status, ran.err) == (0, [])
        assert equal(weights(tmp_path / "other"), weights(tmp_path / "deep" / "base"))
        assert names(tmp_path / "other") == MODEL | {"tokenizer.json"}


class TestLaionClap:
    @pytest.mark.parametrize("name", ["base", "salm_s", "laion_clap"])
    def test_alone(self, run: Callable[..., Ran], files: Path, little: Any, tmp_path: Path, name: str) -> None:
        ran = run("laion-clap", files / "630k.safetensors", "--preset", name, "-o", tmp_path / "a", "--json")
        assert ran.status == 0
        assert any("there is no tokenizer, so the model cannot read sentences yet" in line for line in ran.err)
        document = json.loads(ran.out)
        assert document["matched"]["module.logit_scale_a"] == "logit_scale"
        network, config = hub.load(tmp_path / "a")
        assert config == little.config(name)
        values = laion_clap(little.laion_clap(), network.state_dict()).values
        assert equal(network.state_dict(), values)

    def test_fusion_is_said(self, run: Callable[..., Ran], files: Path, tmp_path: Path) -> None:
        ran = run("laion-clap", files / "630k-fusion.pt", "-o", tmp_path / "fused")
        assert "salm: reduced: feature fusion was left out, the plain patch embedding stays." in ran.err
        run("laion-clap", files / "630k.pt", "-o", tmp_path / "plain")
        one, other = weights(tmp_path / "fused"), weights(tmp_path / "plain")
        assert one.keys() == other.keys()

    def test_equal_seeds_are_equal_weights(self, files: Path, tmp_path: Path) -> None:
        torch.manual_seed(5)
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            import_laion_clap(files / "630k.pt", tmp_path / name, seed=seed)
        one, same, other = (weights(tmp_path / name) for name in "abc")
        assert equal(one, same)
        changed = {key for key, value in one.items() if not torch.equal(value, other[key])}
        assert changed == {key for key in one if key.startswith("direction_head.")}

    def test_not_twice(self, files: Path, tmp_path: Path) -> None:
        import_laion_clap(files / "630k.pt", tmp_path / "one")
        with pytest.raises(InputError, match=r"holds weights of CLAP already; import CLAP without --onto, or onto"):
            import_laion_clap(files / "630k.pt", tmp_path / "two", onto=tmp_path / "one")

    def test_onto_a_model_that_was_trained(self, files: Path, little: Any, tmp_path: Path) -> None:
        """It has no account of imports, and keeps where and its normalisation."""
        torch.manual_seed(9)
        network = hub.build_frozen(little.config("base"))
        hub.save(network, little.config("base"), tmp_path / "trained", dtype=torch.float32)
        import_laion_clap(files / "630k.pt", tmp_path / "new", onto=tmp_path / "trained")
        own, new = network.state_dict(), weights(tmp_path / "new")
        changed = {key for key, value in own.items() if not torch.equal(value, new[key])}
        assert not [key for key in changed if key.startswith(("pair.where.", "pair.norm.", "direction_head."))]
        assert len(json.loads((tmp_path / "new" / "import.json").read_text(encoding="utf-8"))["imports"]) == 1


class TestPseldnets:
    @pytest.mark.parametrize("name", ["base", "salm_s"])
    def test_a_single_branch_file(self, files: Path, tmp_path: Path, little: Any, name: str) -> None:
        import_pseldnets(files / "accdoa.ckpt", tmp_path / "a", preset_name=name)
        network, _ = hub.load(tmp_path / "a")
        assert equal(network.state_dict(), pseldnets(little.accdoa(), network.state_dict()).values)

    def test_it_asks_for_clap_next(self, files: Path, tmp_path: Path) -> None:
        report = import_pseldnets(files / "einv2.ckpt", tmp_path / "a")
        assert report.notes[0].endswith("import LAION-CLAP's weights --onto this model next.")
        assert import_pseldnets(files / "einv2.ckpt", tmp_path / "b", onto=tmp_path / "a").notes == ()


@pytest.fixture(scope="module")
def theirs(little: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of transformers, with its tokenizer."""
    folder = tmp_path_factory.mktemp("clap")
    little.clap().save_pretrained(folder)
    return folder


def settings(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the configuration of a folder of transformers."""
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(content)
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")


class TestHuggingFace:
    @pytest.fixture
    def copy(self, theirs: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(theirs, tmp_path / "clap"))

    def test_a_folder(self, run: Callable[..., Ran], theirs: Path, little: Any, tmp_path: Path) -> None:
        ran = run("hf", theirs, "-o", tmp_path / "a", "--preset", "laion_clap")
        assert ran.status == 0
        config = salm.load(str(tmp_path / "a")).config
        roberta = replace(little.text, layer_norm_eps=1e-12)
        assert config == replace(little.config("laion_clap"), roberta=roberta)
        source = json.loads((tmp_path / "a" / "import.json").read_text(encoding="utf-8"))["imports"][0]["source"]
        assert source["file"] == "model.safetensors"

    def test_a_pickle_is_read_safely(self, copy: Path, tmp_path: Path) -> None:
        import_hugging_face(copy, tmp_path / "a")
        torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
        (copy / "model.safetensors").unlink()
        import_hugging_face(copy, tmp_path / "b")
        import_hugging_face(copy / "pytorch_model.bin", tmp_path / "c")
        assert equal(weights(tmp_path / "a"), weights(tmp_path / "b"))
        assert equal(weights(tmp_path / "a"), weights(tmp_path / "c"))

    def test_layer_norm_that_is_not_written_down_is_robertas(self, copy: Path, tmp_path: Path) -> None:
        settings(copy, lambda content: content["text_config"].pop("layer_norm_eps"))
        import_hugging_face(copy, tmp_path / "a")
        assert hub.read_config(tmp_path / "a").roberta.layer_norm_eps == 1e-5

    def test_a_tokenizer_that_lies_there_is_taken(self, copy: Path, files: Path, tmp_path: Path) -> None:
        for file in (files / "tokenizer").iterdir():
            shutil.copy(file, copy)
        assert not [note for note in import_hugging_face(copy, tmp_path / "a").notes if "tokenizer" in note]
        assert salm.load(str(tmp_path / "a")).embed_text(["a dog"]).shape == (1, 12)

    def test_fusion_is_reduced(self, copy: Path, tmp_path: Path) -> None:
        settings(copy, lambda content: content["audio_config"].update(enable_fusion=True, fusion_type="channel_map"))
        fused = ClapModel(ClapConfig.from_pretrained(copy))
        state = {**fused.state_dict(), **load_file(copy / "model.safetensors")}
        save_file({key: value.contiguous() for key, value in state.items()}, copy / "model.safetensors")
        report = import_hugging_face(copy, tmp_path / "a", preset_name="laion_clap")
        assert report.notes[0].startswith("reduced: feature fusion was left out")
        left = {key for key, why in report.ignored.items() if why == "feature fusion is left out"}
        assert left == {key for key in state if "fusion_model" in key or "mel_conv2d" in key}
        assert len(left) == 30

    def test_onto_pseldnets(self, theirs: Path, files: Path, tmp_path: Path) -> None:
        import_pseldnets(files / "einv2.ckpt", tmp_path / "start", seed=1)
        import_hugging_face(theirs, tmp_path / "base", onto=tmp_path / "start")
        start, base, alone = (
            weights(tmp_path / "start"),
            weights(tmp_path / "base"),
            load_file(theirs / "model.safetensors"),
        )
        assert hub.read_config(tmp_path / "base").roberta.layer_norm_eps == 1e-12
        kept = ("pair.where.", "pair.norm.", "direction_head.", "joint_weight")
        assert all(torch.equal(base[key], start[key]) for key in start if key.startswith(kept))
        assert torch.equal(base["logit_scale"], alone["logit_scale_a"])

    def test_the_hub_is_asked_for_safetensors_first(
        self, copy: Path, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def download(hub_id: str, *, allow_patterns: list[str]) -> str:
            asked.append((hub_id, [name for name in allow_patterns if "model" in name]))
            return str(copy)

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        import_hugging_face("some/clap", tmp_path / "a")
        torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
        (copy / "model.safetensors").unlink()
        import_hugging_face("some/clap", tmp_path / "b")
        safe, pickled = ("some/clap", ["model.safetensors"]), ("some/clap", ["pytorch_model.bin"])
        assert asked == [safe, safe, pickled]

    def test_what_is_no_clap(self, run: Callable[..., Ran], copy: Path, tmp_path: Path) -> None:
        out = ("-o", tmp_path / "a")
        settings(copy, lambda content: content["audio_config"].update(num_mel_bins=128))
        assert run("hf", copy, *out).err[-1].endswith("audio_config.num_mel_bins is 128 but only 64 can be imported.")
        settings(copy, lambda content: content["audio_config"].update(num_mel_bins=64, depths=[2, 2]))
        assert "depths (2, 2) and heads (1, 2, 4, 8) must have one number" in run("hf", copy, *out).err[-1]
        settings(copy, lambda content: content["audio_config"].update(depths=[2, 2, 2, 2], patch_embeds_hidden_size=16))
        assert "the weights do not fit: 0 are missing" in run("hf", copy, *out).err[-1]
        settings(copy, lambda content: content.update(model_type="bert"))
        assert run("hf", copy, *out).err[-1].endswith("this is the configuration of bert; expected clap.")
        (copy / "config.json").unlink()
        assert "config.json cannot be read as JSON" in run("hf", copy, *out).err[-1]
        (copy / "model.safetensors").unlink()
        assert run("hf", copy, *out).err[-1].endswith("holds neither model.safetensors nor pytorch_model.bin.")
        assert run("hf", tmp_path / "nothing", *out).err[-1].endswith("give a folder, a file or a hub id.")
        assert not (tmp_path / "a").exists()


class Touch:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


class TestRefusals:
    """Exit status 2, one line, and nothing is written."""

    @pytest.fixture(scope="class")
    @staticmethod
    def bad(tmp_path_factory: pytest.TempPathFactory, files: Path, little: Any) -> Path:
        folder = tmp_path_factory.mktemp("bad")
        state = little.laion_clap()
        torch.save({"state_dict": state, "more": Touch(folder / "marker")}, folder / "malice.pt")
        content = (files / "630k.pt").read_bytes()
        (folder / "short.pt").write_bytes(content[: len(content) // 2])
        (folder / "empty.pt").touch()
        torch.save({"conv1.weight": torch.zeros(3)}, folder / "other.pt")
        save_file({"embedding": torch.zeros(3)}, folder / "other.safetensors")
        del state["module.text_projection.2.bias"]
        torch.save({"state_dict": state}, folder / "partly.pt")
        return folder

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("malice.pt", "system, which is no part of weights and could run anything: it was not read."),
            ("short.pt", "is damaged, or no checkpoint that can be read safely; expected"),
            ("empty.pt", "is empty; expected safetensors or what torch.save writes."),
            ("none.pt", "does not exist."),
            (
                "other.pt",
                "no weights of LAION-CLAP: expected names such as module.audio_branch.patch_embed.proj.weight",
            ),
            ("other.safetensors", "the first is embedding."),
            ("partly.pt", "1 are missing, 0 of another size or kind and 0 too many; the first is text_projection.2"),
        ],
    )
    def test_bad_files(self, run: Callable[..., Ran], bad: Path, tmp_path: Path, name: str, said: str) -> None:
        ran = run("laion-clap", bad / name, "-o", tmp_path / "deep" / "a")
        (line,) = ran.err
        assert (ran.status, ran.out) == (2, "")
        assert line.startswith(f"salm: {bad / name}")
        assert said in line
        assert not list(tmp_path.iterdir())
        assert not (bad / "marker").exists()

    @pytest.mark.parametrize("name", ["small", "small_htsat", "tiny"])
    def test_presets_of_other_sizes(self, run: Callable[..., Ran], files: Path, tmp_path: Path, name: str) -> None:
        for kind, file in (("laion-clap", "630k.pt"), ("pseldnets", "einv2.ckpt")):
            ran = run(kind, files / file, "--preset", name, "-o", tmp_path / "a")
            assert ran.err == [
                f"salm: {name} has another text tower and other sizes than public weights; "
                "they fit base, salm_s, laion_clap."
            ]
        assert not (tmp_path / "a").exists()

    def test_a_folder_that_is_there_stays(self, run: Callable[..., Ran], files: Path, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        ran = run("laion-clap", files / "630k.pt", "-o", tmp_path)
        assert ran.err == [f"salm: {tmp_path} is there already; give a new folder."]
        assert names(tmp_path) == {"notes.txt"}

    def test_a_tokenizer_of_something_else(self, run: Callable[..., Ran], files: Path, tmp_path: Path) -> None:
        other = hub.WEIGHTS / "minilm-l6-v2"
        ran = run("laion-clap", files / "630k.pt", "--tokenizer", other, "-o", tmp_path / "a")
        assert "is another tokenizer than RoBERTa's" in ran.err[0]
        assert not (tmp_path / "a").exists()

    def test_options_that_do_not_go_together(self, run: Callable[..., Ran], files: Path, tmp_path: Path) -> None:
        run("pseldnets", files / "einv2.ckpt", "-o", tmp_path / "start")
        words = ("laion-clap", files / "630k.pt", "-o", tmp_path / "a")
        assert run(*words, "--seed", -1).err == ["salm: --seed is -1 but must be at least 0."]
        assert "is base, not salm_s" in run(*words, "--preset", "salm_s", "--onto", tmp_path / "start").err[0]
        assert "there is no preset 'huge'" in run(*words, "--preset", "huge").err[0]
        assert "no such model" in run(*words, "--onto", tmp_path / "nothing").err[0]
        (tmp_path / "start" / "import.json").write_text("[]", encoding="utf-8")
        assert run(*words, "--onto", tmp_path / "start").err[0].endswith("import.json is no account of imports.")
        assert names(tmp_path) == {"start"}


@pytest.mark.slow
def test_the_two_commands_at_the_published_size(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran], published: Any, tmp_path: Path
) -> None:
    monkeypatch.undo()
    torch.save({"state_dict": published.einv2(compiled=True)}, tmp_path / "einv2.ckpt")
    torch.save({"state_dict": published.laion_clap()}, tmp_path / "630k.pt")
    assert run("pseldnets", tmp_path / "einv2.ckpt", "-o", tmp_path / "start").status == 0
    assert run("laion-clap", tmp_path / "630k.pt", "--onto", tmp_path / "start", "-o", tmp_path / "base").status == 0
    base, einv2, clap = weights(tmp_path / "base"), published.einv2(), published.laion_clap()
    assert hub.load(tmp_path / "base")[1] == hub.read_config(tmp_path / "start")
    assert sum(value.numel() for value in base.values() if value.is_floating_point()) > 181_964_084
    for name in ("layers.2.blocks.5.mlp.fc1.weight", "patch_embed.norm.bias"):
        assert torch.equal(base[f"pair.where.{name}"], einv2[f"net.doa_encoder.{name}"])
        assert torch.equal(base[f"pair.what.{name}"], clap[f"module.audio_branch.{name}"])
    assert torch.equal(base["pair.norm.norm.bias"][-64:], einv2["net.scalar.6.bias"])
