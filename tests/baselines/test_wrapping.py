"""A state dict is found in whatever trainings put around it, and what was peeled off is told."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from baselines.checkpoints import import_checkpoint
from baselines.wrapping import unwrap
from llpacknet.errors import InputError

NAMES = ("head.weight", "head.bias", "body.0.weight", "body.1.weight", "tail.weight")


@pytest.fixture(scope="module")
def folder(cases, tmp_path_factory):
    made = tmp_path_factory.mktemp("weights")
    cases("weightcases").main(made)
    return made


TAKEN = {
    "bare.pth": [],
    "dataparallel.pth": ["module"],
    "under_state_dict.pth": ["state_dict", "module"],
    "with_optimizer.pth": ["model"],
    "compiled.pth": ["_orig_mod"],
    "compiled_ddp.pth": ["_orig_mod", "module"],
    "ddp_compiled.pth": ["_orig_mod", "module"],
    "averaged.pth": ["module"],
    "profiled.pth": [],
    "under_params.pth": ["params"],
    "under_params_ema.pth": ["params_ema"],
    "under_net.pth": ["net"],
    "under_network.pth": ["network"],
    "under_generator.pth": ["G"],
    "under_model_state_dict.pth": ["model_state_dict"],
    "bare.safetensors": [],
    "dataparallel.safetensors": ["module"],
    "compiled.safetensors": ["_orig_mod"],
    "legacy.pth": [],
    "parameters.pth": [],
    "namespace.pth": ["state_dict"],
    "numpy_scalar.pth": ["state_dict"],
    "UPPER.SAFETENSORS": [],
    "no_suffix": [],
}


@pytest.mark.parametrize("name", TAKEN)
def test_checkpoints_as_people_save_them_give_the_same_weights(folder, tmp_path, name):
    record = import_checkpoint(folder / name, "llpacknet", tmp_path / "o.safetensors")
    peeled = record["peeled"]
    assert [*peeled["keys"], *peeled["prefix"].split("."), *peeled["inside"]] == [*TAKEN[name], ""] or [
        *peeled["keys"],
        *peeled["inside"],
    ] == TAKEN[name]
    assert peeled["others"] == (["params"] if name == "under_params_ema.pth" else [])
    assert json.loads((tmp_path / "o.safetensors.json").read_text()) == record
    import_checkpoint(folder / "bare.pth", "llpacknet", tmp_path / "bare.safetensors")
    found, bare = (load_file(tmp_path / f"{each}.safetensors") for each in ("o", "bare"))
    assert all(torch.equal(found[key], bare[key]) for key in bare)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nan.pth", "RDBr.0.bias contains values that are not finite"),
        ("defaultdict.pth", "it asks for collections.defaultdict"),
        ("whole_model.pth", "it asks for torch.nn.modules.container.Sequential"),
        ("script.pt", "TorchScript"),
    ],
)
def test_what_is_more_than_data_is_refused(folder, tmp_path, name, said):
    with pytest.raises(InputError, match=said):
        import_checkpoint(folder / name, "llpacknet", tmp_path / "o.safetensors")


def test_a_name_that_is_no_utf8_is_read_like_any_other(folder, tmp_path):
    for suffix in ("pth", "safetensors"):
        path = tmp_path / f"caf\udce9.{suffix}"
        path.write_bytes((folder / f"bare.{suffix}").read_bytes())
        import_checkpoint(path, "llpacknet", tmp_path / "o.safetensors")


def state(value=1.0):
    return {name: torch.full((2, 2), value) for name in NAMES}


KEYS = ("state_dict", "model", "params", "ema", "net_g", "weights", "checkpoint", "best")
WORDS = ("module", "_orig_mod", "model", "net", "generator", "network", "_forward_module", "ema_model")


@pytest.mark.parametrize("seed", range(60))
def test_any_nesting_of_keys_and_words_is_peeled(seed):
    rng = np.random.default_rng(seed)
    keys = [str(each) for each in rng.choice(KEYS, rng.integers(0, 4), replace=False)]
    words = [str(each) for each in rng.choice(WORDS, rng.integers(0, 4), replace=False)]
    loaded = {".".join([*words, name]): value for name, value in state().items()}
    if rng.random() < 0.3:
        loaded["n_averaged"] = torch.tensor(3)
    if rng.random() < 0.3:
        loaded["loss.vgg.0.weight" if words else "total_ops"] = torch.zeros(3)
    for key in reversed(keys):
        loaded = {key: loaded, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}}}
    found = unwrap(loaded, [set(NAMES)], "a")
    assert set(found.entries) == set(NAMES)
    assert list(found.keys) == keys
    assert {*found.prefix.split("."), *found.inside} - {""} == set(words)


def test_a_compiled_part_inside_is_peeled_too():
    loaded = {name.replace("body.", "body._orig_mod."): value for name, value in state().items()}
    assert set(unwrap(loaded, [set(NAMES)], "a").entries) == set(NAMES)


@pytest.mark.parametrize("averaged", ["params_ema", "ema", "model_ema", "G_ema", "averaged_model"])
@pytest.mark.parametrize("plain", ["params", "model", "netG"])
def test_of_weights_and_their_average_the_average_is_taken_and_told(plain, averaged):
    found = unwrap({plain: state(0.0), averaged: state(2.0)}, [set(NAMES)], "a")
    assert found.keys == (averaged,)
    assert found.others == (plain,)
    assert float(found.entries["head.weight"][0, 0]) == 2


def test_two_that_fit_alike_are_refused_by_name():
    with pytest.raises(InputError, match=r"several state dicts that fit \((one|two), (one|two)\)"):
        unwrap({"one": state(), "two": state(2.0)}, [set(NAMES)], "a")


def test_what_does_not_fit_names_the_words_before_all_names(folder, tmp_path):
    torch.save({f"night.owl.{name}": value for name, value in state().items()}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"all its names begin with 'night\.owl\.'"):
        import_checkpoint(tmp_path / "a.pth", "llpacknet", tmp_path / "o.safetensors")
