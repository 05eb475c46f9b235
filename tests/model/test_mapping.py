"""Where every weight of a public checkpoint goes: names and shapes as documented, values compared one by one."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from transformers import ClapModel
from transformers.initialization import no_init_weights

from salm.errors import InputError
from salm.model import hub
from salm.model.ledger import Mapped
from salm.model.mapping import hugging_face, laion_clap, pseldnets

Tensors = dict[str, torch.Tensor]
NORM = ("weight", "bias", "running_mean", "running_var")


def own_state(layouts: Any, name: str, *, seed: int = 0) -> Tensors:
    """State of one of our models in these sizes."""
    torch.manual_seed(seed)
    return hub.build_frozen(layouts.config(name)).state_dict()


def below(state: Mapping[str, torch.Tensor], prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    return ((key.removeprefix(prefix), value) for key, value in state.items() if key.startswith(prefix))


def same(values: Tensors, target: str, state: Tensors, source: str, *, but: str = "") -> int:
    """Everything below the one is what is below the other, and nothing less; how many."""
    ours, theirs = dict(below(values, target)), dict(below(state, source))
    ours.pop(but, None)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
        assert value.dtype == theirs[name].dtype
    return len(ours)


def accounted(mapped: Mapped, state: Tensors, own: Tensors) -> None:
    """Every name of the file and every name of the model stands in exactly one list."""
    report = mapped.report
    adapted = [(entry.sources, entry.targets) for entry in report.adapted]
    sources = [*report.matched, *(key for keys, _ in adapted for key in keys), *report.ignored]
    targets = [*report.matched.values(), *(key for _, keys in adapted for key in keys), *report.missing]
    assert sorted(sources) == sorted(state)
    assert sorted(targets) == sorted(own) == sorted(mapped.values)
    assert all([*report.ignored.values(), *report.missing.values(), *(entry.how for entry in report.adapted)])
    for target, value in mapped.values.items():
        assert value.shape == own[target].shape
        assert value.dtype == own[target].dtype
    for source, target in report.matched.items():
        assert torch.equal(mapped.values[target], state[source])


PUBLISHED = [
    ("base", "laion_clap", {}),
    ("base", "laion_clap", {"fusion": True}),
    ("salm_s", "laion_clap", {}),
    ("laion_clap", "laion_clap", {}),
    ("base", "einv2", {}),
    ("base", "einv2", {"compiled": True}),
    ("base", "accdoa", {}),
    ("salm_s", "accdoa", {}),
]
FILL = {"laion_clap": laion_clap, "einv2": pseldnets, "accdoa": pseldnets}


CASES = [(*case, onto) for case in PUBLISHED for onto in (False, True) if case[0] != "laion_clap" or not onto]


@pytest.mark.parametrize(("name", "kind", "options", "onto"), CASES)
def test_every_name_is_accounted_for_once(
    little: Any, name: str, kind: str, options: dict[str, bool], onto: bool
) -> None:
    own, state = own_state(little, name), getattr(little, kind)(**options)
    before = {key: value.clone() for key, value in (own | state).items()}
    accounted(FILL[kind](state, own, onto=onto), state, own)
    assert all(torch.equal(value, before[key]) for key, value in (own | state).items())


@pytest.fixture(scope="module")
def large(published: Any) -> Tensors:
    """State of `base`, of no values in particular."""
    with no_init_weights():
        return {key: torch.nan_to_num(value) for key, value in own_state(published, "base").items()}


class TestPublishedSize:
    """The shapes of the real files; nothing of our model was asked for them."""

    def test_laion_clap(self, published: Any, large: Tensors) -> None:
        clap = published.laion_clap(fusion=True)
        assert sum(value.numel() for key, value in clap.items() if "text_branch" in key) == 124_645_632 + 514
        mapped = laion_clap(clap, large)
        values = mapped.values
        patch = "patch_embed.proj.weight"
        assert same(values, "pair.what.", clap, "module.audio_branch.") == 188
        assert same(values, "pair.where.", clap, "module.audio_branch.", but=patch) == 187
        for channel in range(7):
            spread = values[f"pair.where.{patch}"][:, channel]
            assert torch.equal(spread, clap[f"module.audio_branch.{patch}"][:, 0] / 7)
        for name in NORM:
            ours, theirs = values[f"pair.norm.norm.{name}"], clap[f"module.audio_branch.bn0.{name}"]
            for channel in range(7):
                untouched = large[f"pair.norm.norm.{name}"][64 * channel : 64 * channel + 64]
                assert torch.equal(ours[64 * channel : 64 * channel + 64], theirs if channel < 4 else untouched)
        assert same(values, "text.roberta.", clap, "module.text_branch.") == 5 + 12 * 16 + 2
        assert same(values, "text_projection.", clap, "module.text_projection.") == 4
        for side in ("what", "where"):
            assert same(values, f"{side}_projection.", clap, "module.audio_projection.") == 4
        assert values["logit_scale"] == clap["module.logit_scale_a"]
        assert torch.equal(values["pair.stitches.2.weight"], torch.eye(2).expand(384, 2, 2))
        assert [note.split(":")[0] for note in mapped.report.notes] == ["reduced", "no PSELDNets"]

    @pytest.mark.parametrize("compiled", [False, True])
    def test_einv2(self, published: Any, large: Tensors, compiled: bool) -> None:
        state, net = published.einv2(compiled=compiled), "net._orig_mod." if compiled else "net."
        assert len(state) == 35 + 2 * 188 + 4 + 4 + 2
        values = pseldnets(state, large).values
        patch = "patch_embed.proj.weight"
        assert same(values, "pair.where.", state, f"{net}doa_encoder.") == 188
        assert same(values, "pair.what.", state, f"{net}sed_encoder.", but=patch) == 187
        for out in range(96):
            assert torch.equal(values[f"pair.what.{patch}"][out, 0], 4 * state[f"{net}sed_encoder.{patch}"][out, 0])
        for name in NORM:
            for channel in range(7):
                for mel in (0, 31, 63):
                    ours = values[f"pair.norm.norm.{name}"][64 * channel + mel]
                    assert ours == state[f"{net}scalar.{channel}.{name}"][mel]
        assert values["pair.norm.norm.num_batches_tracked"] == state[f"{net}scalar.0.num_batches_tracked"]
        assert same(values, "pair.stitches.", state, f"{net}stitch1.") == 4

    def test_accdoa(self, published: Any, large: Tensors) -> None:
        state = published.accdoa()
        mapped = pseldnets(state, large)
        assert same(mapped.values, "pair.where.", state, "net.encoder.") == 188
        # The what encoder has no source.
        assert same(mapped.values, "pair.what.", large, "pair.what.") == 188
        assert sum(key.startswith("pair.what.") for key in mapped.report.missing) == 188


class TestOrder:
    """LAION-CLAP onto PSELDNets is the paper's order; the other gives the same."""

    def test_the_papers_order(self, little: Any) -> None:
        own, einv2, clap = own_state(little, "base"), little.einv2(), little.laion_clap()
        start = pseldnets(einv2, own).values
        mapped = laion_clap(clap, start, onto=True)
        values = mapped.values
        accounted(mapped, clap, start)
        same(values, "pair.what.", clap, "module.audio_branch.")
        same(values, "pair.where.", einv2, "net.doa_encoder.")
        same(values, "pair.norm.", start, "pair.norm.")
        for index in range(4):
            assert torch.equal(values[f"pair.stitches.{index}.weight"], torch.eye(2).expand(8 << index, 2, 2))
        for side in ("what", "where"):
            same(values, f"{side}_projection.", clap, "module.audio_projection.")
        same(values, "direction_head.", own, "direction_head.")
        assert torch.equal(values["joint_weight"], torch.ones(12))
        assert "module.audio_branch.bn0.running_mean" in mapped.report.ignored

    @pytest.mark.parametrize(("name", "file"), [("base", "einv2"), ("base", "accdoa"), ("salm_s", "accdoa")])
    def test_the_other_order_gives_the_same(self, little: Any, name: str, file: str) -> None:
        own, where, clap = own_state(little, name), getattr(little, file)(), little.laion_clap()
        one = laion_clap(clap, pseldnets(where, own).values, onto=True).values
        other = pseldnets(where, laion_clap(clap, own).values, onto=True).values
        assert all(torch.equal(value, other[key]) for key, value in one.items())

    def test_what_stays_untouched_by_where(self, little: Any) -> None:
        own = own_state(little, "base")
        mapped = pseldnets(little.einv2(), own, onto=True)
        replaced = {key for key, value in mapped.values.items() if not torch.equal(value, own[key])}
        # The constants of the encoder are replaced by themselves.
        assert {key.split(".")[1] for key in replaced} == {"where", "norm"}
        assert mapped.report.ignored["net.sed_encoder.norm.weight"] == "the model keeps its what encoder"


class TestOneEncoder:
    def test_salm_s_starts_from_clap(self, little: Any) -> None:
        own, clap = own_state(little, "salm_s"), little.laion_clap()
        values = laion_clap(clap, own).values
        patch = "patch_embed.proj.weight"
        same(values, "encoder.htsat.", clap, "module.audio_branch.", but=patch)
        for channel in range(7):
            assert torch.equal(
                values[f"encoder.htsat.{patch}"][:, channel], clap[f"module.audio_branch.{patch}"][:, 0] / 7
            )
            for name in NORM:
                part = values[f"encoder.norm.norm.{name}"][64 * channel : 64 * (channel + 1)]
                assert torch.equal(part, clap[f"module.audio_branch.bn0.{name}"])
        same(values, "audio_projection.", clap, "module.audio_projection.")
        same(values, "direction_head.", own, "direction_head.")

    def test_laion_clap_is_itself(self, little: Any) -> None:
        own, clap = own_state(little, "laion_clap"), little.laion_clap()
        mapped = laion_clap(clap, own)
        assert mapped.report.adapted == ()
        assert mapped.report.missing == {}
        assert same(mapped.values, "encoder.norm.norm.", clap, "module.audio_branch.bn0.") == 5

    def test_an_encoder_of_its_own_is_kept(self, little: Any) -> None:
        own = own_state(little, "salm_s")
        mapped = laion_clap(little.laion_clap(), own, onto=True)
        same(mapped.values, "encoder.", own, "encoder.")
        assert mapped.report.ignored["module.audio_branch.norm.bias"] == "the model keeps its only encoder"

    def test_what_makes_no_sense_is_refused(self, little: Any) -> None:
        with pytest.raises(InputError, match="an EINV2 file has two encoders and the model one"):
            pseldnets(little.einv2(), own_state(little, "salm_s"))
        with pytest.raises(InputError, match="hears one channel, for which PSELDNets has no weights"):
            pseldnets(little.accdoa(), own_state(little, "laion_clap"))
        with pytest.raises(InputError, match="nothing would be kept; leave out --onto"):
            laion_clap(little.laion_clap(), own_state(little, "laion_clap"), onto=True)


@pytest.fixture
def own(little: Any) -> Tensors:
    return own_state(little, "base")


@pytest.fixture
def clap(little: Any) -> Tensors:
    return little.laion_clap()


class TestMisfits:
    """One line with the counts and the first."""

    def test_missing(self, clap: Tensors, own: Tensors) -> None:
        del clap["module.text_branch.pooler.dense.bias"], clap["module.logit_scale_a"]
        with pytest.raises(InputError, match=r"2 are missing, 0 .* and 0 too .* is text_branch\.pooler\.dense\.bias\."):
            laion_clap(clap, own)

    def test_of_another_size(self, clap: Tensors, own: Tensors) -> None:
        clap["module.audio_projection.0.weight"] = torch.zeros(12, 63)
        with pytest.raises(InputError, match=r"0 are .* 2 of .*_projection\.0\.weight: \(12, 63\) .* \(12, 64\)"):
            laion_clap(clap, own)

    def test_of_another_kind(self, clap: Tensors, own: Tensors) -> None:
        clap["module.logit_scale_a"] = torch.tensor(3)
        with pytest.raises(InputError, match=r"logit_scale_a: \(\) of int64 where \(\) of float32"):
            laion_clap(clap, own)

    def test_too_many(self, clap: Tensors, own: Tensors) -> None:
        clap["module.text_branch.encoder.layer.2.output.dense.bias"] = torch.zeros(16)
        with pytest.raises(InputError, match=r"and 1 too many; the first is module\.text_branch\.encoder\.layer\.2"):
            laion_clap(clap, own)

    def test_a_patch_embedding_of_other_channels(self, clap: Tensors, own: Tensors) -> None:
        clap["module.audio_branch.patch_embed.proj.weight"] = torch.zeros(8, 3, 4, 4)
        with pytest.raises(InputError, match=r"0 are missing, 2 of another size"):
            laion_clap(clap, own)

    @pytest.mark.parametrize("name", ["blocks.1.attn_mask", "blocks.0.attn.relative_position_index"])
    def test_other_constants(self, clap: Tensors, own: Tensors, name: str) -> None:
        clap[f"module.audio_branch.layers.1.{name}"] += 1
        with pytest.raises(InputError, match=rf"{name}, whose numbers are not those of this layout"):
            laion_clap(clap, own)

    def test_a_missing_channel_of_the_normalisation(self, little: Any, own: Tensors) -> None:
        state = little.einv2()
        del state["net.scalar.6.running_var"]
        with pytest.raises(InputError, match=r"1 are missing.*scalar\.6\.running_var"):
            pseldnets(state, own)

    def test_the_published_size_does_not_fit_a_laptop(self, published: Any, own: Tensors) -> None:
        with pytest.raises(InputError, match=r"first is net\.doa_encoder\.patch_embed\.proj\.weight: \(96, 7, 4, 4\)"):
            pseldnets(published.accdoa() | published.einv2(), own)

    @pytest.mark.parametrize("fill", [laion_clap, hugging_face, pseldnets])
    def test_another_model(self, own: Tensors, fill: Any) -> None:
        with pytest.raises(
            InputError, match=r"no weights of .*: expected names such as .*, the first is conv1\.weight"
        ):
            fill({"conv1.weight": torch.zeros(3)}, own)

    def test_twice_the_same(self, clap: Tensors, own: Tensors) -> None:
        clap["logit_scale_a"] = clap["module.logit_scale_a"]
        with pytest.raises(InputError, match="some weights stand twice"):
            laion_clap(clap, own)


def test_half_precision_becomes_single(clap: Tensors, own: Tensors) -> None:
    half = {key: value.bfloat16() if value.is_floating_point() else value for key, value in clap.items()}
    values = laion_clap(half, own).values
    assert values["text_projection.0.weight"].dtype == torch.float32
    assert torch.equal(values["text_projection.0.weight"], half["module.text_projection.0.weight"].float())


def test_names_that_nobody_documented_are_reported(clap: Tensors, own: Tensors) -> None:
    report = laion_clap(clap | {"module.extra": torch.zeros(1)}, own).report
    assert report.ignored["module.extra"] == "not among the documented weights"


def test_a_report_is_a_short_table(clap: Tensors, own: Tensors) -> None:
    rows = laion_clap(clap, own).report.rows()
    assert [row["list"] for row in rows] == ["matched", "adapted", "ignored", "missing"]
    assert sum(row["weights"] for row in rows[:3]) == len(clap)
    assert rows[2]["first"].endswith(", ...")


@pytest.fixture(scope="module")
def theirs(little: Any) -> ClapModel:
    return little.clap()


class TestHuggingFace:
    """The same weights by transformers' names are the same weights."""

    @pytest.mark.parametrize("name", ["base", "salm_s", "laion_clap"])
    def test_every_name_is_accounted_for_once(self, little: Any, theirs: ClapModel, name: str) -> None:
        own, state = own_state(little, name, seed=1), theirs.state_dict()
        mapped = hugging_face(state, own)
        accounted(mapped, state, own)
        constants = [why for key, why in mapped.report.missing.items() if key.endswith("attn_mask")]
        assert set(constants) == {"a constant, which the file does not hold"}

    def test_by_either_name(self, little: Any, theirs: ClapModel) -> None:
        """The other names, spelt out here once more and the other way round."""
        own, state = own_state(little, "base"), theirs.state_dict()
        original = {key: value for key, value in little.laion_clap().items() if "transform." in key}
        for target, value in hugging_face(state, own).values.items():
            for ours, name in (
                ("pair.what.", "audio_branch."),
                ("what_projection.", "audio_projection."),
                ("text.roberta.", "text_branch."),
                ("text_projection.", "text_projection."),
            ):
                if target.startswith(ours):
                    original[f"module.{name}{target.removeprefix(ours)}"] = value
        original["module.logit_scale_a"] = theirs.logit_scale_a
        for name in (*NORM, "num_batches_tracked"):
            value = state[f"audio_model.audio_encoder.batch_norm.{name}"]
            original[f"module.audio_branch.bn0.{name}"] = value
        one, other = hugging_face(state, own).values, laion_clap(original, own).values
        assert all(torch.equal(value, other[key]) for key, value in one.items())

    def test_rows_of_query_key_and_value(self, little: Any, theirs: ClapModel) -> None:
        values = hugging_face(theirs.state_dict(), own_state(little, "laion_clap")).values
        block = theirs.audio_model.audio_encoder.layers[2].blocks[1].attention.self
        for kind in ("weight", "bias"):
            query, key, value = values[f"encoder.htsat.layers.2.blocks.1.attn.qkv.{kind}"].split(32)
            assert torch.equal(query, getattr(block.query, kind))
            assert torch.equal(key, getattr(block.key, kind))
            assert torch.equal(value, getattr(block.value, kind))

    def test_a_missing_key_is_named(self, little: Any, theirs: ClapModel) -> None:
        state = theirs.state_dict()
        del state["audio_model.audio_encoder.layers.0.blocks.0.attention.self.key.bias"]
        with pytest.raises(InputError, match=r"2 too many; the first is audio_branch\.layers\.0\.blocks\.0\.attn\.qkv"):
            hugging_face(state, own_state(little, "laion_clap"))
