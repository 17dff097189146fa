"""Folders as SID's script, viewers and cameras leave them: paired by their names, read as they are meant."""

import json
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.judge.waterfall import AXES, VALUES
from bench.measure import keeping
from bench.records import image_protocols, protocols
from bench.records.image_protocols import WHOLE
from bench.score import reading, scoring


@pytest.fixture(scope="module")
def folder(cases, tmp_path_factory):
    made = tmp_path_factory.mktemp("score")
    cases("scorecases").main(made)
    return made


def score(capsys, predictions, truths, *options):
    arguments = ["--pred", str(predictions), "--truth", str(truths), "--lpips", "none"]
    status = main(["score", *arguments, "--protocol", "release2022", "--json", *options])
    said = capsys.readouterr()
    return status, json.loads(said.out) if said.out else None, said.err


def decibels(result):
    return {image["name"]: image["psnr"] for image in result["pictures"]}


def test_what_sids_script_writes_is_paired_by_the_longest_common_leading_part(folder, capsys):
    status, result, _ = score(capsys, folder / "sid_split/pred", folder / "sid_split/truth")
    assert status == 0
    assert [image["truth"] for image in result["pictures"]] == [
        "10003_00_100_gt.png",
        "10003_00_250_gt.png",
        "10045_00_300_gt.png",
    ]
    assert all(30 < value < 32 for value in decibels(result).values())


@pytest.mark.parametrize("spelling", ["{}", "{}/", "{}/../sid_final", "link"])
def test_a_folder_is_not_scored_against_itself(folder, capsys, spelling, tmp_path):
    (tmp_path / "link").symlink_to(folder / "sid_final")
    other = tmp_path / "link" if spelling == "link" else spelling.format(folder / "sid_final")
    status, result, said = score(capsys, folder / "sid_final", other)
    assert (status, result) == (2, None)
    assert "compared with itself" in said


def test_a_file_that_is_its_own_truth_is_left_out_and_a_copy_is_warned_of(folder, capsys, tmp_path):
    shutil.copytree(folder / "plain", tmp_path / "plain")
    predictions, truths = tmp_path / "plain/pred", tmp_path / "plain/truth"
    (predictions / "street.png").unlink()
    (predictions / "street.png").hardlink_to(truths / "street.png")
    status, result, said = score(capsys, predictions, truths)
    assert status == 1
    assert list(decibels(result)) == ["bridge"]
    assert "the same file" in said
    shutil.copy(truths / "bridge.png", predictions / "bridge.png")
    status, result, said = score(capsys, predictions, truths)
    assert "warning: every prediction equals its truth" in said


def test_opaque_alpha_is_nothing_and_transparency_is_called_so(folder, capsys):
    status, result, said = score(capsys, folder / "alpha/pred", folder / "alpha/truth")
    assert status == 1
    values = decibels(result)
    assert set(values) == {"opaque", "both", "none"}
    assert len(set(values.values())) == 1
    assert "sheer.png is transparent (alpha down to 128 of 255)" in said


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("exif", {"square": 30.90, "upside": 30.91, "oblong": 30.91}),
        ("profile", {"wide": 30.94, "srgb": 30.95}),
    ],
)
def test_orientation_and_profile_are_applied(folder, capsys, kind, expected):
    status, result, _ = score(capsys, folder / kind / "pred", folder / kind / "truth")
    assert status == 0
    assert decibels(result) == pytest.approx(expected, abs=0.01)


def test_names_of_sids_script_tell_scene_and_frame_to_the_subsets(tmp_path):
    names = ("10003_00_100", "10034_00_100", "10003_01_250", "10003_00_300")
    for side, suffix in (("pred", "out"), ("truth", "gt")):
        (tmp_path / side).mkdir()
        for name in names:
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / side / f"{name}_{suffix}.png")
    found = reading.match(tmp_path / "pred", tmp_path / "truth").found

    def kept(subset):
        return [pair.name.removesuffix("_out") for pair in reading.of_subset(found, subset)]

    assert kept("first") == ["10003_00_100", "10003_00_300", "10034_00_100"]
    assert kept("first-aligned") == ["10003_00_100", "10003_00_300"]
    assert kept("first-0.1s") == ["10003_00_100", "10034_00_100"]


@pytest.mark.parametrize("seed", range(10))
def test_any_names_that_share_a_leading_part_are_paired_with_their_own(tmp_path, seed):
    """Predictions and truths get words of their own behind a common stem; no stem leads into another."""
    rng = np.random.default_rng(seed)
    stems = {f"{rng.integers(3)}_{rng.integers(3)}_x{rng.integers(3)}" for _ in range(9)}
    ends = ["_out", "_restored_2", "_B", ""], ["_gt", "_truth", "_long_10s"]
    end, other = rng.choice(ends[0]), rng.choice(ends[1])
    for side, word in (("pred", end), ("truth", other)):
        (tmp_path / side).mkdir()
        for stem in stems:
            (tmp_path / side / f"{stem}{word}.png").write_bytes(b"not opened")
    found = reading.match(tmp_path / "pred", tmp_path / "truth")
    assert {pair.prediction.stem: pair.truth.stem for pair in found.found} == {
        f"{stem}{end}": f"{stem}{other}" for stem in stems
    }


def test_an_exception_of_any_kind_stops_no_other_image(folder, monkeypatch):
    """A metric that fails on one image alone, as a library may."""

    key = scoring.Key(WHOLE, "round", "psnr")

    def values(pair, keys):
        if pair.name == "bridge":
            raise OverflowError("two\nlines")
        return dict.fromkeys(keys, math.inf)

    monkeypatch.setattr(scoring, "_values", values)
    bad, good = (
        scoring.judged((key,), pair)
        for pair in reading.match(folder / "plain/pred", folder / "plain/truth").found
    )
    assert good[1] == {key: math.inf}
    assert bad[1].startswith("bridge.png cannot be scored: OverflowError: two lines (")


def test_of_a_folder_of_folders_those_that_hold_images_are_named(folder, capsys, tmp_path):
    for name in ("red", "sgn"):
        shutil.copytree(folder / "plain" / "pred", tmp_path / "predictions" / name)
    status, _, said = score(capsys, tmp_path / "predictions", folder / "plain" / "truth")
    assert status == 2
    assert f"give one of them: {tmp_path / 'predictions' / 'red'}, {tmp_path / 'predictions' / 'sgn'}" in said
    assert len(said.splitlines()) == 1


@pytest.fixture
def kept(folder, tmp_path):
    """A results folder whose run restored under paper2020 and kept images, as 8 bits."""
    place = tmp_path / "smoke" / "predictions" / "paper2020"
    shutil.copytree(folder / "plain" / "pred", place / "red")
    shutil.copytree(folder / "plain" / "truth", place / "truth")
    shutil.copytree(folder / "plain" / "pred", place.parent / "input")
    manifest = keeping.describe(protocols.get("paper2020"), "paper2020")
    (place / "manifest.json").write_text(json.dumps(manifest))
    return place


def test_of_a_runs_folder_the_methods_are_named_for_predictions_and_the_truths_for_truths(kept, capsys):
    status, _, said = score(capsys, kept.parent, kept / "truth")
    assert status == 2
    assert said.endswith(f"give one of them: {kept / 'red'}\n")
    status, _, said = score(capsys, kept / "red", kept.parent)
    assert status == 2
    assert said.endswith(f"give one of them: {kept / 'truth'}\n")


def test_a_folder_of_raws_is_answered_with_where_a_run_keeps_their_truths(kept, capsys, tmp_path):
    (tmp_path / "sid" / "long").mkdir(parents=True)
    (tmp_path / "sid" / "long" / "10003_00_10s.DNG").touch()
    for truths in (tmp_path / "sid", tmp_path / "sid" / "long"):
        status, _, said = score(capsys, kept / "red", truths)
        assert status == 2
        assert "OUT/predictions/PROTOCOL/truth" in said


def test_images_of_a_run_are_compared_under_every_protocol_from_their_own_on(kept, capsys):
    arguments = ["score", "--pred", str(kept / "red"), "--truth", str(kept / "truth"), "--lpips", "none"]
    assert main([*arguments, "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert next(iter(result["protocols"])) == "paper2020"
    assert set(result["protocols"]) == {one.name for one in scoring.all_protocols()}
    assert {fall["start"] for fall in result["waterfalls"]} == {"paper2020"}
    assert (
        "restored under paper2020, and some of the other protocols give methods a different input" in said.err
    )


def test_what_is_printed_begins_with_the_means_and_says_what_codes_and_question_marks_mean(kept, capsys):
    arguments = ["score", "--pred", str(kept / "red"), "--truth", str(kept / "truth"), "--lpips", "none"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    order = ["the same images under every protocol", "protocol paper2020: 2 images", "one change at a time"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "pairs scored: first frames at 0.1 s → first frames" in said
    assert "gain of the input: RED's formula → true exposure ratio" in said
    assert "llbench run --models MODEL --measure quality --dataset DIR --protocol A,B" in said


def test_every_code_of_the_protocols_files_has_words():
    for protocol in map(image_protocols.of, scoring.all_protocols()):
        for axis in set(AXES) - {"domain"}:
            assert str(getattr(protocol, axis)) in VALUES[axis]
