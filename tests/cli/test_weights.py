"""`llbench weights import` on files as users have them."""

import json
import pickle

import torch

from baselines import create
from bench.cli import main


def test_import_and_use(tmp_path, capsys):
    source = create("sid-unet", weights="none")
    torch.save({"model": source.state_dict()}, tmp_path / "unet.pth")
    out = tmp_path / "unet.safetensors"
    assert main(["weights", "import", str(tmp_path / "unet.pth"), "--as", "sid-unet", "--out", str(out)]) == 0
    assert f"--weights sid-unet={out}" in capsys.readouterr().out
    assert json.loads((tmp_path / "unet.safetensors.json").read_text())["name"] == "sid-unet"
    mosaic = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(create("sid-unet", weights=out)(mosaic), source(mosaic))


class Hostile:
    def __reduce__(self):
        return print, ("it ran",)


def test_hostile_file_is_one_line_and_status_2(tmp_path, capfd):
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"model": Hostile()}))
    status = main(
        [
            "weights",
            "import",
            str(tmp_path / "bad.pth"),
            "--as",
            "red",
            "--out",
            str(tmp_path / "o.safetensors"),
        ]
    )
    printed = capfd.readouterr()
    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith("llbench: ")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "o.safetensors").exists()


def test_a_name_with_a_line_break_stays_one_line(tmp_path, capfd):
    absent = tmp_path / "two\nlines\x1b[31m.pth"
    assert main(["weights", "import", str(absent), "--as", "red", "--out", str(tmp_path / "o")]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "two\\nlines\\x1b[31m.pth" in said


def test_a_verb_left_out_shows_the_help(capfd):
    assert main(["weights"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("Usage: llbench weights")
    assert "import" in said
