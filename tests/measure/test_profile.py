"""A profile of a pass: its parts make up the whole, and its operations are those that are counted."""

import pytest

from bench.measure import complexity, profile
from bench.records import store
from bench.records.cells import Cell
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request

SIZE = (128, 192)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiled")
    asked = Request(["red", "lime"], ["profile"], runtimes=("published", "openvino"), size=SIZE, threads=1)
    assert execute(plan(asked), folder).counts == {"ok": 1, "unsupported": 3}
    return {(record.cell.model, record.cell.runtime): record for record in store.load(folder)}


def test_the_parts_of_a_profiled_pass_make_up_the_whole(records):
    values = records["red", "published"].values
    parts = [entry["seconds"] for entry in values["kinds"].values()]
    assert sum(parts) == pytest.approx(values["seconds"], rel=0.02)
    assert min(parts) >= 0
    assert profile.REST in values["kinds"]
    assert values["unprofiled_s"] > 0


def test_its_convolutions_multiply_as_often_as_is_counted(records):
    kinds = records["red", "published"].values["kinds"]
    counted = complexity.values(Cell("red", "complexity", height=SIZE[0], width=SIZE[1]))["gmac"]
    assert sum(entry["operations"] for entry in kinds.values()) == pytest.approx(2e9 * counted, rel=0.01)


def test_what_cannot_be_taken_apart_says_why(records):
    assert "single operator to torch's profiler" in records["red", "openvino"].reason
    assert "classical" in records["lime", "published"].reason


def test_the_pass_without_a_halo_multiplies_as_often_as_the_published_one():
    import torch

    import baselines
    from llpacknet.fast import fast

    network = baselines.create("llpacknet", weights="none")
    mosaic = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(0))
    totals = []
    with torch.inference_mode():
        for form in (network, fast(network)):
            kinds = profile.profiled(lambda form=form: form(mosaic))["kinds"]
            totals.append(sum(entry["operations"] for entry in kinds.values()))
    assert totals[1] == pytest.approx(totals[0], rel=1e-6)
