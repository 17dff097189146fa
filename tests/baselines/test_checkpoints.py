"""Published checkpoints come in whole and named right, or are refused; nothing in them runs."""

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from baselines import create, names, spec
from baselines.checkpoints import import_checkpoint, read_checkpoint, translate
from baselines.published import R_G1_B_G2
from baselines.red.published import DIALECTS
from baselines.registry import network_of
from llpacknet import loading
from llpacknet.errors import InputError
from llpacknet.loading import sha256

LEARNED = [name for name in names() if spec(name).learned]


def rename(state, change):
    return {change(key): tensor for key, tensor in state.items()}


def parametrised(key):
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        key = key.replace(f".{old}", f".parametrizations.weight.{new}")
    return key


@pytest.mark.parametrize("name", LEARNED)
def test_every_learned_method_takes_its_published_names(name, published, tmp_path):
    torch.save(published(name), tmp_path / "bare.pth")
    record = import_checkpoint(tmp_path / "bare.pth", name, tmp_path / "own.safetensors")
    state = load_file(tmp_path / "own.safetensors")
    assert set(state) == set(network_of(name, create(name, weights="none")).state_dict())
    assert len(state) + len(record["ignored"]) == len(published(name))
    total = sum(
        float(tensor.double().sum()) for key, tensor in published(name).items() if "squeeze" not in key
    )
    assert sum(float(tensor.double().sum()) for tensor in state.values()) == pytest.approx(total, rel=1e-9)


def test_record_says_where_the_weights_came_from(published, tmp_path):
    torch.save({"model": published("red"), "epoch": 3}, tmp_path / "red.pth")
    record = import_checkpoint(tmp_path / "red.pth", "red", tmp_path / "red.safetensors")
    written = json.loads((tmp_path / "red.safetensors.json").read_text())
    assert written == record
    assert record["source"] == "red.pth"
    assert record["source_sha256"] == sha256(tmp_path / "red.pth")
    assert record["weights_sha256"] == sha256(tmp_path / "red.safetensors")
    assert record["layers"]["conv2x.0"] == "fine"
    assert record["date"].endswith("+00:00")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model": state, "iteration": 400_000},
        lambda state: {"state_dict": state},
        lambda state: {"netG": state, "opt_netG": {"step": 4}},
        lambda state: {"params": state},
        lambda state: {"params": {}, "params_deploy": state},
        lambda state: rename(state, lambda key: f"module.{key}"),
        lambda state: {"model": rename(state, lambda key: f"module.{key}")},
        lambda state: rename(state, parametrised),
        lambda state: {key: tensor.half() for key, tensor in state.items()},
        lambda state: {key: torch.nn.Parameter(tensor) for key, tensor in state.items()},
    ],
)
def test_wrappings_and_spellings(wrap, published, tmp_path):
    torch.save(wrap(published("llpacknet")), tmp_path / "w.pth")
    import_checkpoint(tmp_path / "w.pth", "llpacknet", tmp_path / "own.safetensors")
    state = load_file(tmp_path / "own.safetensors")
    found = state["planes.2.parametrizations.weight.original1"]
    assert torch.allclose(found, published("llpacknet")["RDBg2.0.weight_v"], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "published_entry", "own_entry", "axis"),
    [
        ("adu-net", "conv0.weight", "fine.weight", 1),
        ("dnf", "feature_conv_0.weight", "embed.0.weight", 1),
        ("dnf", "aux_conv_fuse_1.bias", "raw_decoder.head.2.bias", 0),
        ("sid-unet-raw", "conv1_1.weight", "down.0.first.weight", 1),
        ("sid-unet-raw", "conv10_1.weight", "out.weight", 0),
    ],
)
def test_planes_in_the_publications_order_are_reordered(name, published_entry, own_entry, axis, published):
    network = network_of(name, create(name, weights="none"))
    state, _, _ = translate(published(name), network, name, "published")
    theirs = published(name)[published_entry]
    assert torch.equal(state[own_entry], theirs.index_select(axis, torch.tensor(R_G1_B_G2)))
    again, dialect, _ = translate(state, network, name, "own")
    assert dialect.title == "this project"
    assert torch.equal(again[own_entry], state[own_entry])


def test_old_zipless_checkpoints_are_read(published, tmp_path):
    torch.save(published("llpacknet-2020"), tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert import_checkpoint(tmp_path / "w.pth", "llpacknet-2020", tmp_path / "own.safetensors")


def test_own_names_and_safetensors_are_taken_too(tmp_path):
    network = create("sid-unet+amplifier", weights="none")
    torch.save({"model": network.state_dict(), "optimiser": {"step": 4}}, tmp_path / "trained.pth")
    record = import_checkpoint(tmp_path / "trained.pth", "sid-unet+amplifier", tmp_path / "a.safetensors")
    assert record["names"] == "this project"
    import_checkpoint(tmp_path / "a.safetensors", "sid-unet+amplifier", tmp_path / "b.safetensors")
    assert sha256(tmp_path / "a.safetensors") == sha256(tmp_path / "b.safetensors")


def test_names_of_reds_reimplementation_give_the_same_network(published, tmp_path):
    authors, reimplementation = DIALECTS["red"]
    theirs = {own: layer for layer, own in reimplementation.layers.items()}

    def change(key):
        layer, _, leaf = key.rpartition(".")
        return f"{theirs[authors.layers[layer]]}.{leaf}"

    renamed = rename(published("red"), change)
    assert {
        "RDB1.layers.0.conv.weight_g",
        "RDB3.layers.3.1.conv.weight_v",
        "RDB3.layers.4.conv.weight_v",
    } <= set(renamed)
    assert {"RDB2.last.conv.weight_g", "resblock8x.model.2.conv.bias", "conv32x.1.conv.weight_v"} <= set(
        renamed
    )
    network = create("red", weights="none")
    ours, dialect, _ = translate(renamed, network, "red", "renamed")
    expected, _, _ = translate(published("red"), network, "red", "published")
    assert dialect.title == "an MIT-licensed reimplementation"
    assert all(torch.equal(ours[key], expected[key]) for key in expected)


def test_did_is_taken_with_and_without_its_unused_entries(published, tmp_path):
    whole = published("did")
    bare = {key: tensor for key, tensor in whole.items() if "squeeze" not in key}
    network = create("did", weights="none")
    with_unused, _, ignored = translate(whole, network, "did", "whole")
    without, _, none = translate(bare, network, "did", "bare")
    assert (len(ignored), len(none)) == (128, 0)
    assert all(torch.equal(with_unused[key], without[key]) for key in without)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda state: state.pop("RDBr.0.bias"), "missing RDBr.0.bias \\(64,\\)"),
        (lambda state: state.update(extra=torch.zeros(2)), "unexpected extra \\(2,\\)"),
        (
            lambda state: state.update({"RDBr.0.bias": torch.zeros(3)}),
            "RDBr.0.bias has shape \\(3,\\) instead of \\(64,\\)",
        ),
        (
            lambda state: state.update({"RDBr.0.bias": torch.full((64,), torch.nan)}),
            "RDBr.0.bias contains values",
        ),
        (
            lambda state: state.update({"RDBr.0.bias": torch.zeros(64, dtype=torch.int64)}),
            "RDBr.0.bias contains values",
        ),
        (lambda state: state.update({"RDBr.0.bias": 3}), "not plain tensors: RDBr.0.bias"),
        (
            lambda state: state.update({"RDBr.0.bias": torch.zeros(64).to_sparse()}),
            "not plain tensors: RDBr.0.bias",
        ),
        (
            lambda state: state.update({"RDBr.0.bias": torch.zeros(64, device="meta")}),
            "not plain tensors: RDBr.0.bias",
        ),
        (lambda state: state.clear(), "no state dict"),
    ],
)
def test_entries_that_do_not_fit_are_named(spoil, said, published, tmp_path):
    state = published("llpacknet")
    spoil(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(InputError, match=said) as refusal:
        import_checkpoint(tmp_path / "w.pth", "llpacknet", tmp_path / "own.safetensors")
    assert "\n" not in str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pth"]


def test_of_many_differences_the_first_few_are_named(published, tmp_path):
    torch.save(published("sgn"), tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"missing .*unexpected .*and \d+ more"):
        import_checkpoint(tmp_path / "w.pth", "sid-unet", tmp_path / "own.safetensors")


class Hostile:
    """Its pickle makes a folder when it is opened carelessly."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("form", ["torch", "zipless", "pickle", "in a wrapper"])
def test_a_checkpoint_with_code_is_refused_and_nothing_runs(form, published, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    proof, file = tmp_path / "it-ran", tmp_path / "w.pth"
    state = {**published("llpacknet"), "RDBr.0.bias": Hostile(proof)}
    if form == "pickle":
        file.write_bytes(pickle.dumps(state["RDBr.0.bias"]))
    else:
        content = (
            {"model": published("llpacknet"), "extra": Hostile(proof)} if form == "in a wrapper" else state
        )
        torch.save(content, file, _use_new_zipfile_serialization=form != "zipless")
    with pytest.raises(InputError, match="nothing in it was run") as refusal:
        import_checkpoint(file, "llpacknet", tmp_path / "own.safetensors")
    assert "\n" not in str(refusal.value)
    assert not proof.exists()
    # The same file does run its code where it is opened as pickles usually are.
    with file.open("rb") as opened:
        if form == "pickle":
            pickle.load(opened)
        else:
            torch.load(opened, weights_only=False)
    assert proof.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.99])
def test_truncated_files_are_refused(kept, published, tmp_path):
    whole = io.BytesIO()
    torch.save(published("llpacknet"), whole)
    content = whole.getvalue()
    (tmp_path / "w.pth").write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(InputError, match="damaged or not a torch checkpoint"):
        read_checkpoint(tmp_path / "w.pth")


def test_truncated_safetensors_are_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{")
    with pytest.raises(InputError, match="not a safetensors file"):
        read_checkpoint(tmp_path / "w.safetensors")


@pytest.mark.parametrize("compressed", [False, True])
def test_too_large_files_are_not_opened(compressed, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MAX_BYTES", 100_000)
    file = tmp_path / "w.pth"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        archive.writestr("w/data/0", bytes(200_000))
    assert (file.stat().st_size < 100_000) == compressed
    with pytest.raises(InputError, match="are not opened"):
        read_checkpoint(file)


def test_absent_file_and_unwritable_place(published, tmp_path):
    with pytest.raises(InputError, match="no weights file"):
        import_checkpoint(tmp_path / "absent.pth", "red", tmp_path / "own.safetensors")
    torch.save(published("red"), tmp_path / "w.pth")
    with pytest.raises(InputError, match="cannot write"):
        import_checkpoint(tmp_path / "w.pth", "red", tmp_path / "no" / "own.safetensors")
    for place in (tmp_path, Path(os.devnull), Path()):
        with pytest.raises(InputError, match="is a folder or device"):
            import_checkpoint(tmp_path / "w.pth", "red", place)
    with pytest.raises(InputError, match="is the checkpoint itself"):
        import_checkpoint(tmp_path / "w.pth", "red", tmp_path / "w.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_one_tensor_under_two_names_is_taken_twice(published, tmp_path):
    state = published("red")
    state["conv2x.0.bias"] = state["conv_2_8_32.0.bias"]
    torch.save(state, tmp_path / "w.pth")
    import_checkpoint(tmp_path / "w.pth", "red", tmp_path / "own.safetensors")
    network = create("red", weights=tmp_path / "own.safetensors")
    assert torch.equal(network.fine.bias, network.out.bias)


def test_written_weights_can_be_read_by_whom_the_users_mask_allows(published, tmp_path):
    torch.save(published("red"), tmp_path / "w.pth")
    import_checkpoint(tmp_path / "w.pth", "red", tmp_path / "own.safetensors")
    modes = [(tmp_path / name).stat().st_mode for name in ("w.pth", "own.safetensors")]
    assert modes[0] == modes[1]


def test_a_classical_method_takes_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="lime is not a learned"):
        import_checkpoint(tmp_path / "w.pth", "lime", tmp_path / "own.safetensors")
