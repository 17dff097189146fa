import csv
from pathlib import Path

import pytest

import bench
from bench.data.folder.pairs import Pair
from bench.data.folder.subsets import PUBLISHED, SUBSETS, select
from bench.metrics.definitions import METRICS
from bench.records import protocols
from llpacknet.errors import InputError

FIRST_FRAMES = Path(bench.__file__).parent / "data" / "facts" / "sid_test93.csv"


def first_frames():
    with FIRST_FRAMES.open() as file:
        for row in csv.DictReader(file):
            short, long = Path(row["short"]), Path(row["long"])
            scene, frame, short_s = short.stem.split("_")
            yield Pair(scene, frame, float(short_s[:-1]), float(long.stem.split("_")[2][:-1]), short, long)


@pytest.mark.parametrize("protocol", protocols.load().values(), ids=lambda protocol: protocol.name)
def test_each_protocol_is_whole(protocol):
    assert protocol.subset in SUBSETS
    assert protocol.pairs == PUBLISHED[protocol.subset].pairs
    assert protocol.gain in {"ratio", "estimate", "constant", "level"}
    assert protocol.quantise in {"truncate", "round", "none"}
    assert {protocol.metric(quantity) for quantity in ("psnr", "ssim", "lpips")} <= set(METRICS)
    assert protocol.lpips_quantise in {"truncate", "round", "none"}
    assert protocol.lpips_range in {"signed", "unit"}
    assert protocol.source
    assert protocol.notes.endswith(".")


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("paper2020", 50),
        ("paper2020-gt", 50),
        ("release2022", 93),
        ("release2022-restricted", 92),
        ("dnf88", 88),
        ("mcr50", 50),
        ("adu93", 93),
    ],
)
def test_first_frames_of_sid_give_the_published_counts(name, pairs):
    assert len(select(first_frames(), protocols.get(name).subset)) == pairs == protocols.get(name).pairs


def test_the_release_of_2022_is_the_default_and_gives_8_bit_truncated_images_to_scikit_image():
    default = protocols.default()
    assert default.name == "release2022"
    assert (default.gain, default.quantise, default.ssim) == ("ratio", "truncate", "uniform")


def test_only_the_paper_without_ground_truth_estimates_the_gain():
    assert [name for name, protocol in protocols.load().items() if protocol.gain == "estimate"] == [
        "paper2020"
    ]


def test_a_control_differs_from_what_it_controls_in_the_gain_alone():
    controls = [protocol for protocol in protocols.load().values() if protocol.control_of]
    assert {protocol.gain for protocol in controls} == {"constant", "level"}
    own = ("name", "title", "source", "notes", "gain", "control_of")
    for control in controls:
        controlled = protocols.get(control.control_of)
        for key, value in vars(control).items():
            assert (value == getattr(controlled, key)) == (key not in own), (control.name, key)


def test_one_constant_of_two_subsets_is_not_one_input():
    first, other = (protocols.get(f"{name}-constant") for name in ("paper2020", "release2022"))
    assert first.given != other.given
    assert protocols.get("paper2020-level").given == protocols.get("release2022-level").given


def test_the_clip_is_the_methods_own_unless_a_protocol_sets_one():
    assert protocols.get("release2022").clip_for(None) is None
    assert protocols.get("release2022").clip_for(1.0) == 1.0
    assert protocols.get("sid2018").clip_for(None) == 1.0
    assert protocols.get("mcr50").clip_for(1.0) is None


def test_newer_publications_are_scored_as_their_scripts_do():
    def of(name):
        one = protocols.get(name)
        return one.clip_for(None), one.quantise, one.ssim, one.metric("lpips"), one.step("lpips")

    # RetinexRAWMamba's test_sony.py and utils/metrics.py; DNF's runner.py and its authors on LPIPS.
    assert of("aligned562") == (1.0, "round", "gaussian-population", "lpips-squeeze", "none")
    assert of("dnf88") == (1.0, "none", "gaussian-population", "lpips-alex", "round")
    assert of("mcr50")[:3] == (None, "truncate", "uniform")
    assert of("adu93")[:3] == (1.0, "truncate", "gaussian-population")
    assert of("release2022")[3:] == ("lpips-alex", "truncate")


def test_unknown_protocols_are_refused_with_a_list():
    with pytest.raises(InputError, match="paper2020-gt"):
        protocols.get("paper2021")
