"""`--weights` as people type it: an error names what was meant."""

import pytest

from bench.cli import main


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("net.pth", "NAME=FILE: say which method it is for, as in llpacknet=net.pth"),
        ("=net.pth", "NAME=FILE: say which method it is for, as in llpacknet=net.pth"),
        ("LLPackNet=net.pth", "did you mean 'llpacknet'?"),
        ("sid_unet=net.pth", "did you mean 'sid-unet'?"),
        ("llpacnket=net.pth", "did you mean 'llpacknet'?"),
        ("llpacknet=none.pth", "no weights file none.pth"),
    ],
)
@pytest.mark.parametrize("verb", ["restore x.dng -o y.png", "run --models llpacknet --out o"])
def test_the_line_says_what_to_write(verb, given, said, capsys):
    assert main([*verb.split(), "--weights", given]) == 2
    assert said in capsys.readouterr().err


def test_a_tilde_behind_the_equals_sign_is_the_users_folder(tmp_path, monkeypatch, capsys):
    """No shell replaces it there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "w.safetensors").write_bytes(b"no weights")
    arguments = ["restore", str(tmp_path / "x.dng"), "-o", str(tmp_path / "y.png")]
    assert main([*arguments, "--weights", "llpacknet=~/w.safetensors"]) == 2
    assert "no weights file" not in capsys.readouterr().err
