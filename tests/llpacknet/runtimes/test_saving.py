"""Every learned network as ONNX runs where there are ONNX Runtime and numpy alone, and gives its image."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import baselines
from baselines.registry import conventions, network_of
from bench.cli import main
from llpacknet.errors import UnsupportedError
from llpacknet.runtimes import calibration
from llpacknet.runtimes.portable import Portable
from llpacknet.runtimes.saving import ABOUT, save

PAGE = Path(__file__).parents[3] / "docs" / "runtimes.md"
# Without those that differ from rawformer-s in their width alone.
LEARNED = [name for name in baselines.names() if baselines.spec(name).learned]
NETWORKS = [name for name in LEARNED if name not in {"rawformer-b", "rawformer-l"}]
# A size that is a multiple of no network's own, so that margins are needed.
HEIGHT, WIDTH = 70, 90


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder of packages that holds ONNX Runtime and numpy, and nothing else."""
    folder = tmp_path_factory.mktemp("packages")
    for package in ("numpy", "onnxruntime"):
        home = Path(find_spec(package).submodule_search_locations[0])
        (folder / package).symlink_to(home)
        if (libraries := home.with_name(f"{package}.libs")).is_dir():
            (folder / libraries.name).symlink_to(libraries)
    return folder


def built(name):
    network = network_of(name, baselines.create(name, weights="none"))
    network.conventions = conventions(name, network)
    return network


def snippet():
    """The lines that the page gives for running such a file."""
    return PAGE.read_text().split("import numpy as np\n", 1)[1].split("```", 1)[0]


def run_bare(folder, packages, code):
    path = f"import sys; sys.path.insert(0, {str(packages)!r})\nimport numpy as np\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + code],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_no_torch(bare, tmp_path):
    code = (
        "import importlib.util as u; print([u.find_spec(n) for n in ('torch', 'onnx', 'llpacknet', 'bench')])"
    )
    assert run_bare(tmp_path, bare, code).strip() == "[None, None, None, None]"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_lines_of_the_page_run_it_without_torch(name, bare, tmp_path):
    network = built(name)
    save(network, tmp_path / "network.onnx", "onnx", {"model": name})
    with np.load(calibration.FILE) as stored:
        raw, ratio = stored["mosaics"][1][:HEIGHT, :WIDTH], float(stored["ratios"][1])
        levels = f"black, white, ratio = {float(stored['black'])}, {float(stored['white'])}, {ratio}\n"
    np.save(tmp_path / "raw.npy", raw)
    given = "black, white, ratio = 512, 16383, 100\n"
    assert given in snippet()
    run_bare(tmp_path, bare, snippet().replace(given, levels) + "np.save('output.npy', output)\n")
    mosaic = calibration.placed(network.conventions)[1][..., :HEIGHT, :WIDTH].contiguous()
    with torch.inference_mode():
        expected = network(mosaic)[0].numpy()
    found = np.load(tmp_path / "output.npy")
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    if len(expected) == 3:
        assert np.load(tmp_path / "image.npy").shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("name", ["llpacknet-2020", "llpacknet-2020-conv", "adu-net", "red"])
def test_torchscript_of_any_size_and_its_metadata(name, tmp_path):
    network = built(name)
    facts = save(network, tmp_path / "network.pt", "torchscript", {"model": name})
    extra = {ABOUT: ""}
    module = torch.jit.load(tmp_path / "network.pt", _extra_files=extra)
    assert json.loads(extra[ABOUT]) == facts
    smallest = int(facts["smallest_side"])
    for height, width in ((HEIGHT, WIDTH), (smallest, smallest + 6), (130, 64)):
        mosaic = calibration.placed(network.conventions)[1][..., :height, :width].contiguous()
        with torch.inference_mode():
            found, expected = module(mosaic), network(mosaic)
            if facts["amplifier"] == "true":
                found, gain = found
                assert torch.allclose(gain, network.gain(mosaic), rtol=1e-5)
        assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_the_command_states_the_convention_of_the_gain(tmp_path, capsys):
    out = tmp_path / "network.onnx"
    for name, needs in (("llpacknet", "true"), ("llpacknet-2020", "false")):
        assert main(["weights", "export", name, "--onnx", str(out)]) == 0
        said = {one.key: one.value for one in onnx.load(out).metadata_props}
        assert said["needs_gain"] == needs
        assert said["amplifier"] == ("false" if needs == "true" else "true")
        assert said["model"] == name
        assert len(said["weights_sha256"]) == 64
        assert said["gain"] in capsys.readouterr().out


class Inverting(torch.nn.Module):
    """Needs what ONNX has no operator for."""

    def forward(self, mosaic):
        return torch.linalg.matrix_exp(mosaic).repeat(1, 3, 1, 1)


def test_what_cannot_be_exported_is_unsupported_and_leaves_no_file(tmp_path):
    with pytest.raises(UnsupportedError, match="cannot be exported to ONNX"):
        save(Inverting(), tmp_path / "network.onnx", "onnx", {})
    assert list(tmp_path.iterdir()) == []


class Branching(torch.nn.Module):
    """Does what tracing cannot see: something else for a large frame than for a small one."""

    size_multiple = 2

    def forward(self, mosaic):
        return (mosaic * (2 if mosaic.shape[-1] > 100 else 1)).expand(-1, 3, -1, -1)


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_an_export_that_computes_something_else_is_refused(kind, tmp_path):
    with pytest.raises(UnsupportedError, match="differs from the network"):
        save(Branching(), tmp_path / "network", kind, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"), [("lime", "classical method"), ("adu-net", "no weights are shipped")]
)
def test_the_command_says_in_one_line_why_not(name, why, tmp_path, capfd):
    assert main(["weights", "export", name, "--onnx", str(tmp_path / "network.onnx")]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert why in said


@pytest.mark.parametrize(("multiple", "smallest"), [(2, 16), (32, 16), (128, 44)])
def test_the_smallest_side_is_that_whose_margins_fit(multiple, smallest):
    assert Portable(torch.nn.Identity(), multiple).smallest == smallest
