"""The registry: a snapshot of what is in it, and how methods are built."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

import baselines
from baselines import create, names, registry, spec, weights_path
from baselines.registry import conventions, named, network_of, unique
from llpacknet.conventions import Conventions
from llpacknet.errors import InputError

SNAPSHOT = {
    # name: (year, kind, needs_gain, input_clip, size_multiple, restricted)
    "llpacknet": (2022, "network", True, None, 16, False),
    "llpacknet-2020": (2020, "network", False, None, 16, False),
    "llpacknet-2020-conv": (2020, "network", False, None, 16, False),
    "llpacknet-pixelshuffle": (2020, "network", False, None, 16, False),
    "sid-unet": (2018, "network", True, 1.0, 32, False),
    "sid-unet+amplifier": (2020, "network", False, None, 32, False),
    "sgn": (2019, "network", True, 1.0, 8, False),
    "did": (2019, "network", True, 1.0, 2, False),
    "red": (2021, "network", True, None, 32, True),
    "lime": (2017, "classical", False, None, 2, False),
    "robust-retinex": (2018, "classical", False, None, 2, False),
    "gain-only": (2026, "classical", True, None, 2, False),
    "adu-net": (2024, "network", True, 1.0, 64, False),
    "dnf": (2023, "network", True, 1.0, 16, True),
    "rawformer-s": (2022, "network", True, None, 16, True),
    "rawformer-b": (2022, "network", True, None, 16, True),
    "rawformer-l": (2022, "network", True, None, 16, True),
    "mcr": (2022, "network", True, None, 32, True),
    "sid-unet-raw": (2020, "denoiser", True, 1.0, 32, False),
}
COMPARED = tuple(SNAPSHOT)[:12]
LEARNED = [name for name, (_, kind, *_) in SNAPSHOT.items() if kind != "classical"]


class Own(torch.nn.Module):
    """A user's network."""

    needs_gain = False
    input_clip = 1.0

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3, 1, 1))

    def forward(self, mosaic):
        return mosaic * self.scale


def test_snapshot():
    found = {
        name: (s.year, s.kind, s.needs_gain, s.input_clip, s.size_multiple, s.restricted)
        for name, s in ((name, spec(name)) for name in names())
    }
    assert found == SNAPSHOT


@pytest.mark.parametrize("name", SNAPSHOT)
def test_every_method_says_where_it_comes_from(name):
    declared = spec(name)
    assert declared.name == name
    assert declared.licence.startswith("MIT")
    assert declared.paper
    assert declared.notes


def test_what_is_licensed_for_non_commercial_use_alone_is_marked():
    for name in names():
        assert ("non-commercial" in spec(name).licence or name == "red") == spec(name).restricted


def test_dnf_alone_is_given_what_lies_below_black():
    assert [name for name in names() if spec(name).keeps_negatives] == ["dnf"]
    assert create("dnf", weights="none").conventions.keeps_negatives


def test_published_scores_name_their_source():
    for name in names():
        for score in spec(name).published:
            assert 20 < float(score.psnr) < 40
            assert score.ssim is None or 0.6 < float(score.ssim) < 0.9
            assert score.source


def test_a_denoiser_without_weights_is_not_sent_to_the_training():
    with pytest.raises(InputError, match="no weights are shipped for sid-unet-raw: convert") as refusal:
        create("sid-unet-raw")
    assert "llbench train" not in str(refusal.value)


def test_reds_reserve_is_stated():
    assert "patent" in spec("red").licence
    assert "reserve" in spec("red").licence


def test_names_and_declarations_need_no_torch():
    read = "from baselines import names, spec; [*map(spec, names())]"
    code = f"{read}; import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_methods_of_one_name_are_refused():
    with pytest.raises(InputError, match="two methods are registered as 'sgn'"):
        unique((spec("sgn"), replace(spec("did"), name="sgn")))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"there is no method 'unet'.*sid-unet"):
        spec("unet")


@pytest.mark.parametrize("name", LEARNED)
def test_network_without_weights_is_in_eval_mode_and_the_same_each_time(name):
    before = torch.random.get_rng_state()
    first, second = (network_of(name, create(name, weights="none")) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not first.training
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_weights_are_shipped_for_all_that_the_paper_compares():
    assert {name for name in LEARNED if weights_path(name)} >= set(COMPARED) & set(LEARNED)


def test_missing_weights_name_the_two_ways_to_get_them(monkeypatch, tmp_path):
    name = "llpacknet"
    monkeypatch.setattr(registry, "_shipped_path", lambda _: tmp_path / "llpacknet.safetensors")
    assert weights_path(name) is None
    with pytest.raises(InputError) as refusal:
        create(name)
    assert f"llbench train {name}" in str(refusal.value)
    assert f"llbench weights import FILE --as {name}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_all_is_the_papers_comparison_and_field_every_learned_method():
    assert named("all") == COMPARED
    assert set(named("field")) == set(LEARNED)
    assert named("sgn") == ("sgn",)


@pytest.mark.parametrize("name", [name for name in LEARNED if weights_path(name)])
def test_shipped_weights_fit(name):
    network = create(name)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_half_precision_weights_are_widened(tmp_path):
    source = create("llpacknet", weights="none")
    save_file(
        {key: value.half() for key, value in source.state_dict().items()}, tmp_path / "half.safetensors"
    )
    network = create("llpacknet", weights=tmp_path / "half.safetensors")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    mosaic = torch.rand(1, 1, 32, 32)
    assert torch.allclose(network(mosaic), source(mosaic), atol=1e-2)


def test_weights_of_another_network_are_refused(tmp_path):
    save_file(create("llpacknet-2020-conv", weights="none").state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"does not fit: .* has shape .* instead of"):
        create("llpacknet-2020", weights=tmp_path / "w.safetensors")


def test_files_that_are_no_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match="no weights file"):
        create("red", weights=tmp_path / "absent.safetensors")
    torch.save({}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="llbench weights import"):
        create("red", weights=tmp_path / "w.pth")


def test_classical_methods_take_no_weights(tmp_path):
    with pytest.raises(InputError, match="not a learned"):
        create("lime", weights=tmp_path / "w.safetensors")


def test_gain_only_is_built_as_a_callable():
    assert callable(create("gain-only"))


def test_own_model_by_module_and_factory(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text(
        "import torch\n\ndef factory():\n    return torch.nn.Conv2d(1, 3, 1)\n\nnothing = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    network = create("my_models:factory")
    assert not network.training
    assert network(torch.rand(1, 1, 16, 16)).shape == (1, 3, 16, 16)
    assert spec("my_models:factory").needs_gain
    assert conventions("my_models:factory", network) == Conventions()
    assert conventions("my_models:factory", Own()) == Conventions(needs_gain=False, input_clip=1.0)
    save_file(create("my_models:factory").state_dict(), tmp_path / "w.safetensors")
    loaded = create("my_models:factory", weights=tmp_path / "w.safetensors")
    assert torch.equal(loaded.weight, network.weight)
    (tmp_path / "needy.py").write_text("import a_package_that_is_absent\n\ndef factory(): ...\n")
    for wrong, said in (
        ("my_models:factori", r"no factory 'factori' \(did you mean 'factory'\?\)"),
        ("absent_module:factory", "start in the folder that holds it"),
        ("needy:factory", "install what it needs"),
        ("my_models:nothing", "calling it must return the model"),
        (":", "does not name a module"),
        ("my_models:", "give it as package.module:factory"),
        (".my_models:factory", "start in its folder and give my_models:factory"),
        ("nets/my_models.py:factory", "start in the folder nets and give my_models:factory"),
    ):
        with pytest.raises(InputError, match=said):
            create(wrong)


def test_weights_that_no_training_has_made_are_told_by_building_under_two_seeds(tmp_path, monkeypatch):
    (tmp_path / "drawn.py").write_text(
        "import torch\n\ndef random():\n    return torch.nn.Conv2d(1, 3, 1)\n\n"
        "def filled():\n    made = torch.nn.Conv2d(1, 3, 1)\n    made.weight.data.fill_(0.5)\n"
        "    made.bias.data.zero_()\n    return made\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.has_random_weights("drawn:random")
    assert not registry.has_random_weights("drawn:filled")
    save_file(create("drawn:random").state_dict(), tmp_path / "w.safetensors")
    assert not registry.has_random_weights("drawn:random", tmp_path / "w.safetensors")
    assert registry.has_random_weights("red", "none")
    assert not registry.has_random_weights("red")
    assert not registry.has_random_weights("gain-only")


def test_own_model_is_found_in_the_current_folder_by_the_console_script(tmp_path):
    (tmp_path / "from_here.py").write_text(
        "import torch\n\ndef factory():\n    return torch.nn.Conv2d(1, 3, 1)\n"
    )
    code = "import sys; sys.path.remove(''); import baselines; print(baselines.create('from_here:factory'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Conv2d"), done.stderr


def test_conventions_of_a_registered_method_are_the_registrys():
    assert conventions("sid-unet", Own()) == Conventions(input_clip=1.0)


def test_package_offers_the_promised_names():
    assert set(baselines.__all__) == {"create", "names", "spec", "weights_path"}
