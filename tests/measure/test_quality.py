"""Images are judged one by one: a bad file or a dying process costs its own cells alone."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.data.decode.truth import truth
from bench.data.folder.index import index
from bench.data.making.camera import tone
from bench.data.making.make import make
from bench.measure import brightness
from bench.measure.quality import scores
from bench.metrics import psnr, quantise
from bench.records import protocols, store
from bench.run import predictions
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request
from llpacknet.raw.read import read_raw
from llpacknet.raw.render import render_frame
from llpacknet.red_gain import red_gain

METHODS = Path(__file__).parent.parent / "methods"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make(tmp_path_factory.mktemp("data"), scenes=1, seed=1, size=(256, 384))


@pytest.fixture(autouse=True)
def _at_hand(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(METHODS)
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))


def judged(models, data, out, **options):
    execute(plan(Request(models, ["quality"], dataset=data, threads=1, **options)), out)
    return {(record.cell.protocol, record.cell.image): record for record in store.load(out)}


FIELDS = ("release2022", "paper2020", "sid2018", "dnf88")
CONTROLS = ("paper2020-constant", "paper2020-level", "paper2020-gt")


@pytest.fixture(scope="module")
def gain_only(data, tmp_path_factory):
    """A run of the control under several protocols, which keeps its images: its folder and records."""
    out = tmp_path_factory.mktemp("gain-only")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLBENCH_CACHE", str(out / "cache"))
        return out, judged(["gain-only"], data, out, protocols=[*FIELDS, *CONTROLS], predictions=True)


def under(names, records):
    return {key: record for key, record in records.items() if key[0] in names}


def test_gain_only_is_libraws_image_at_the_protocols_gain(data, gain_only):
    out, everything = gain_only
    records = under(("release2022", "paper2020"), everything)
    for pair in data.pairs:
        frame = read_raw(pair.short)
        gains = {"release2022": pair.ratio, "paper2020": red_gain(frame.normalised(), 5.0)}
        for (protocol, image), record in records.items():
            if image != pair.name:
                continue
            assert record.status == "ok", record.reason
            gain = gains[str(protocol)]
            how = protocols.get(str(protocol)).quantise
            restored = render_frame(frame, gain).astype(np.float32) / np.float32(65535)
            expected = psnr(quantise(restored, how), quantise(truth(pair.long), how))
            assert record.values["psnr"] == pytest.approx(expected, abs=1e-9)
            assert record.values["gain"] == pytest.approx(gain)
            assert record.provenance["synthetic"] is True
    kept = out / "predictions"
    for name in ("release2022", "paper2020"):
        images = {f"{image}.png" for protocol, image in records if protocol == name}
        for kind in ("gain-only", "truth"):
            assert {path.name for path in (kept / name / kind).iterdir()} == images
    assert {path.stem for path in (kept / "input").iterdir()} == {image for _, image in everything}
    shown = np.asarray(Image.open(kept / "release2022" / "truth" / f"{data.pairs[0].name}.png"))
    np.testing.assert_array_equal(shown, quantise(truth(data.pairs[0].long), "truncate"))


def test_the_score_of_a_runs_own_images_is_what_its_cells_say(gain_only, capsys):
    out, records = gain_only
    for name in FIELDS:
        folder = out / "predictions" / name
        arguments = ["--pred", str(folder / "gain-only"), "--truth", str(folder / "truth")]
        assert main(["score", *arguments, "--lpips", "none", "--json"]) == 0
        said = capsys.readouterr()
        assert f"restored under {name}" in said.err
        found = json.loads(said.out)
        assert next(iter(found["protocols"])) == found["protocol"] == name
        cells = {image: record.values for (protocol, image), record in records.items() if protocol == name}
        assert len(found["pictures"]) == len(cells) > 0
        # Floats are kept in 16 bits.
        within = 2e-4 if name == "dnf88" else 1e-12
        for one in found["pictures"]:
            for quantity in ("psnr", "ssim"):
                assert one[quantity] == pytest.approx(cells[one["name"]][quantity], abs=within)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["protocol"]["quantise"] == protocols.get(name).quantise
    # The true ratio and truncation under two protocols: one file with two names.
    assert main(["score", *arguments, "--protocol", "paper2020", "--lpips", "none"]) in {0, 2}
    assert "a different input" in capsys.readouterr().err


def test_each_frames_own_black_is_a_protocol_of_its_own(tmp_path):
    """A black level that is off by several digital numbers is found in the frame, and said in its cell."""
    data = make(tmp_path / "off", scenes=1, seed=1, size=(256, 384), black_error=4.0, extra_frames=0)
    manifest = json.loads((tmp_path / "off" / "manifest.json").read_text())
    errors = {Path(one["path"]).stem: one["noise"]["black_error"] for one in manifest["files"]}
    options = {"protocols": ["paper2020-gt"], "images": 1}
    records = judged(["gain-only"], data, tmp_path / "out", **options)
    records |= judged(["gain-only"], data, tmp_path / "own", black="per-frame", **options)
    ((plain, image), (own, _)) = sorted(records)
    assert (plain, own) == ("paper2020-gt", "paper2020-gt+per-frame-black")
    values = records[own, image].values
    # The light of the darkest parts counts as black.
    assert errors[image] - 0.2 < values["black_drift"] < errors[image] + 1
    assert "black_drift" not in records[plain, image].values
    assert values["psnr"] > records[plain, image].values["psnr"]
    assert abs(values["brightness_stops"]) < abs(records[plain, image].values["brightness_stops"])


def test_controls_give_a_gain_that_knows_little_of_the_image_and_its_brightness_shows(data, gain_only):
    records = under(CONTROLS, gain_only[1])
    assert len(records) == 3
    (image,) = {name for _, name in records}
    values = {protocol: records[protocol, image].values for protocol in CONTROLS}
    assert round(values["paper2020-constant"]["gain"]) == 168
    mean = next(read_raw(pair.short) for pair in data.pairs if pair.name == image).normalised().mean()
    assert values["paper2020-level"]["gain"] == pytest.approx(2**8.2263 * (mean * 15871) ** -0.2290, rel=1e-6)
    off = {protocol: one["brightness_stops"] for protocol, one in values.items()}
    # Highlights clip and noise is clipped at black, so that twice the gain is not quite twice the light.
    gains = {protocol: math.log2(one["gain"] / one["ratio"]) for protocol, one in values.items()}
    for protocol in CONTROLS:
        assert off[protocol] - off["paper2020-gt"] == pytest.approx(gains[protocol], abs=0.35)


def test_twice_the_light_is_one_stop_brighter():
    light = np.linspace(0.0, 0.5, 48 * 32 * 3).reshape(32, 48, 3)
    target = np.rint(tone(light) * 65535).astype(np.uint16)
    assert brightness.stops(tone(2 * light).astype(np.float32), target) == pytest.approx(1, abs=1e-4)
    assert brightness.stops(tone(light).astype(np.float32), target) == pytest.approx(0, abs=1e-4)
    assert brightness.stops(np.zeros((32, 48, 3), np.float32), target) is None


def test_a_part_restored_with_its_margin_scores_as_in_the_whole_image(data, tmp_path):
    models = ["sgn", "sid-unet", "sid-unet+amplifier"]
    wanted = plan(Request(models, ["quality"], dataset=data, threads=1, images=1))
    whole = replace(wanted, jobs=tuple(replace(job, part_of=4) for job in wanted.jobs))
    alone = replace(whole, jobs=tuple(replace(job, area_fraction=1 / 16) for job in whole.jobs))
    execute(whole, tmp_path / "whole")
    execute(alone, tmp_path / "alone")
    records = {record.cell: record.values for record in store.load(tmp_path / "whole")}
    assert len(records) == 3
    for record in store.load(tmp_path / "alone"):
        own, expected = record.values["part"], records[record.cell]["part"]
        assert (own["height"], own["width"]) == (expected["height"], expected["width"]) == (64, 96)
        assert own["psnr"] == pytest.approx(expected["psnr"], abs=1e-3)
        assert own["ssim"] == pytest.approx(expected["ssim"], abs=1e-5)
        assert record.values["psnr"] == own["psnr"]
        assert records[record.cell]["psnr"] != expected["psnr"]
        assert record.values["gain"] == records[record.cell]["gain"]


def test_a_bad_file_fails_its_own_cells(tmp_path):
    data = make(tmp_path / "data", scenes=1, seed=1, size=(256, 384))
    broken = data.pairs[0].short
    broken.write_bytes(broken.read_bytes()[:20_000])
    records = judged(["misbehaving:good"], index(tmp_path / "data"), tmp_path / "out")
    statuses = {image: record.status for (_, image), record in records.items()}
    assert statuses.pop(broken.stem) == "bad-input"
    assert set(statuses.values()) == {"ok"}
    (reason,) = [record.reason for record in records.values() if record.status == "bad-input"]
    assert broken.name in str(reason)
    assert str(tmp_path) not in str(reason)


def test_a_method_that_dies_on_every_second_image_is_judged_on_the_others(data, tmp_path):
    records = judged(["misbehaving:moody"], data, tmp_path)
    statuses = [records[key].status for key in sorted(records, key=lambda key: str(key[1]))]
    assert statuses == ["ok", "crash", "ok"]


class Log:
    """Notes which jobs begin and end."""

    def __init__(self):
        self.said = []

    def start(self, jobs):
        pass

    def begin(self, job):
        self.said.append(("begin", job.cell.model))

    def cell(self, job, cell, status, reason):
        pass

    def finish(self, job):
        self.said.append(("finish", job.cell.model))

    def stop(self):
        pass


def test_of_two_methods_scored_at_once_one_may_die_and_the_other_is_scored_as_alone(
    data, tmp_path, monkeypatch
):
    known = {**predictions._table(), "misbehaving:moody": predictions.Pass(0.1, 10**8)}
    monkeypatch.setattr(predictions, "_table", lambda: known)
    both = plan(Request(["misbehaving:moody", "gain-only"], ["quality"], dataset=data, threads=1))
    log = Log()
    execute(both, tmp_path / "both", progress=log)
    assert [word for word, _ in log.said] == ["begin", "begin", "finish", "finish"]
    records = store.load(tmp_path / "both")
    moody = sorted((r for r in records if r.cell.model != "gain-only"), key=lambda r: str(r.cell.image))
    assert [record.status for record in moody] == ["ok", "crash", "ok"]
    alone = judged(["gain-only"], data, tmp_path / "alone")
    found = {(r.cell.protocol, r.cell.image): r.values for r in records if r.cell.model == "gain-only"}
    assert found == {key: record.values for key, record in alone.items()}


def test_protocols_that_differ_in_ssim_alone_share_the_distance_of_an_image():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 65536, (64, 96, 3), dtype=np.uint16)
    rgb = rng.random((64, 96, 3), dtype=np.float32)
    known = {}
    first, second = (scores(rgb, target, protocols.get(name), known) for name in ("paper2020", "release2022"))
    assert first["lpips"] == second["lpips"] == scores(rgb, target, protocols.get("release2022"))["lpips"]
    assert first["ssim"] != second["ssim"]
    assert len(known) == (0 if first["lpips"] is None else 1)
    part = scores(rgb[:32], target[:32], protocols.get("release2022"), known)
    assert part["lpips"] is None or part["lpips"] != first["lpips"]


def test_a_perfect_image_scores_infinity_and_one():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 65536, (32, 48, 3), dtype=np.uint16)
    values = scores(target.astype(np.float32) / np.float32(65535), target, protocols.get("dnf88"))
    assert values["psnr"] == "inf" or values["psnr"] > 120
    assert math.isclose(values["ssim"], 1.0, abs_tol=1e-6)
