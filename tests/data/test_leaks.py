"""What leaks from one list into another is found, by name and by content; clean lists pass."""

import json

import pytest

from bench.cli import main
from bench.data.folder.leaks import Entry, leaks, read_entries
from llpacknet.errors import InputError

TRAIN = [
    ("short/00001_00_0.1s.ARW", "long/00001_00_10s.ARW"),
    ("short/00002_00_0.1s.ARW", "long/00002_00_10s.ARW"),
]
CLEAN = [("short/10001_00_0.1s.ARW", "long/10001_00_10s.ARW")]


def write(path, pairs):
    path.write_text("".join(f"./{short} ./{long} ISO200 F8\n" for short, long in pairs))
    return str(path)


def found(lists, root=None):
    entries = {name: [Entry(*pair) for pair in pairs] for name, pairs in lists.items()}
    return {leak.what: leak.found for leak in leaks(entries, root)}


def test_lists_without_anything_in_common_are_clean():
    assert set(found({"train": TRAIN, "test": CLEAN}).values()) == {()}


def test_a_scene_at_another_exposure_leaks_although_no_input_does():
    test = [*CLEAN, ("short/00002_00_0.04s.ARW", "long/00002_00_10s.ARW")]
    assert found({"train": TRAIN, "test": test}) == {
        "scenes in both train and test": ("00002",),
        "inputs in both train and test": (),
        "truths in both train and test": ("long/00002_00_10s.ARW",),
        "inputs of train that are their own truth": (),
        "inputs of test that are their own truth": (),
    }


def test_an_input_that_is_the_long_exposure_is_its_own_truth():
    test = [*CLEAN, ("short/10002_00_10s.ARW", "long/10002_00_10s.ARW")]
    shown = found({"train": TRAIN, "test": test})
    assert shown["inputs of test that are their own truth"] == ("short/10002_00_10s.ARW",)


def test_every_two_of_three_lists_are_compared():
    shown = found({"train": TRAIN, "validation": CLEAN, "test": TRAIN[:1]})
    assert shown["inputs in both train and test"] == ("short/00001_00_0.1s.ARW",)
    assert shown["inputs in both train and validation"] == ()
    assert shown["inputs in both validation and test"] == ()


def test_in_a_folder_equal_content_counts_whatever_it_is_called(tmp_path):
    contents = {TRAIN[0][0]: b"dark", TRAIN[0][1]: b"lite", CLEAN[0][0]: b"dark", CLEAN[0][1]: b"long one"}
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    shown = found({"train": TRAIN, "test": CLEAN}, tmp_path)
    assert shown["inputs in both train and test"] == (CLEAN[0][0],)
    assert shown["truths in both train and test"] == ()
    (tmp_path / CLEAN[0][1]).write_bytes(b"dark")
    own = found({"train": TRAIN, "test": CLEAN}, tmp_path)["inputs of test that are their own truth"]
    assert own == (CLEAN[0][0],)


def test_names_that_point_out_of_the_folder_are_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"1234")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.ARW").write_bytes(b"1234")
    shown = found({"train": [("../secret", "long/x.ARW")], "test": [("a.ARW", "long/y.ARW")]}, inside)
    assert shown["inputs in both train and test"] == ()


def test_the_command_tells_and_exits_with_1(tmp_path, capsys):
    train, test = write(tmp_path / "train.txt", TRAIN), write(tmp_path / "test.txt", [*CLEAN, TRAIN[1]])
    assert main(["data", "index", "--list", train, "--list", test]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["train.txt: 2 pairs, 2 scenes", "test.txt: 2 pairs, 2 scenes"]
    assert "scenes in both train.txt and test.txt: 1 (00002)" in shown
    assert main(["data", "index", "--list", train, "--list", test, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["leaks"]["inputs in both train.txt and test.txt"] == ["short/00002_00_0.1s.ARW"]
    clean = write(tmp_path / "clean.txt", CLEAN)
    assert main(["data", "index", "--list", train, "--list", clean]) == 0


def test_unusable_lists_are_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "words.txt").write_text("one\n\ntwo\n")
    with pytest.raises(InputError, match="contains no pair"):
        read_entries(tmp_path / "words.txt")
    train = write(tmp_path / "train.txt", TRAIN)
    assert main(["data", "index", "--list", train, "--list", train]) == 2
    assert main(["data", "index", "--list", train, "--list", str(tmp_path / "absent.txt")]) == 2
    assert main(["data", "index", "--list", train]) == 2
    said = capsys.readouterr().err
    assert all(words in said for words in ("given twice", "does not exist", "two lists to compare"))
    assert len(said.splitlines()) == 3
