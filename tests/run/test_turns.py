"""Which workers share a round, and how often each has its turn."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, permutations

import pytest

from bench.measure.latency import BRIEF, FEWEST_TURNS, FULL, LONG_CALL_S, MOST_TURNS, wants_more
from bench.records.cells import Cell
from bench.records.jobs import Job
from bench.run.plan import plan
from bench.run.request import Request, resolutions
from bench.run.turns import MOST_TOGETHER, groups, order, side_by_side

ENOUGH = 10**12


def sizes(jobs, available=ENOUGH):
    return [len(group) for group in groups(jobs, lambda: available)]


def test_a_round_takes_turns_and_anything_else_is_alone():
    jobs = plan(
        Request(["red", "sid-unet"], ["complexity", "latency", "memory"], size=(64, 96), rounds=2)
    ).left()
    assert sizes(jobs) == [1, 3, 3]
    on_device = plan(Request(["red", "sid-unet"], ["latency"], size=(64, 96), rounds=2, device="cuda")).left()
    assert sizes(on_device) == [1] * 6
    assert [job for group in groups(jobs, lambda: ENOUGH) for job in group] == list(jobs)


def test_sizes_of_a_sweep_do_not_meet_and_each_has_its_twin_beside_it():
    jobs = plan(Request(["red", "sgn"], ["latency"], rounds=2, sweep="resolution")).left()
    assert sizes(jobs) == [3] * 2 * len(resolutions())
    for group in groups(jobs, lambda: ENOUGH):
        assert len({(job.round, job.cell.height) for job in group}) == 1
        assert len({job.cell for job in group if job.twin}) == 1


def test_workers_that_wait_leave_room_for_the_one_that_computes():
    jobs = plan(Request(["red", "sgn", "sid-unet"], ["latency"], size=(2848, 4256), rounds=1)).left()
    largest = max(job.predicted_bytes for job in jobs)
    assert sizes(jobs) == [4]
    assert max(sizes(jobs, largest + 500_000_000)) == 2
    assert sizes(jobs, 1) == [1] * 4
    many = [replace(jobs[0], round=0)] * (MOST_TOGETHER + 1)
    assert sizes(many) == [MOST_TOGETHER, 1]


def test_runtimes_that_keep_their_buffers_wait_together_only_where_all_of_them_fit():
    cell = Cell("sgn", "latency", device="cpu", precision="fp32")
    keeping, returning = (
        Job((replace(cell, runtime=runtime),), predicted_bytes=7_000_000_000)
        for runtime in ("onnxruntime", "published")
    )
    assert sizes([returning, returning, keeping], 15_000_000_000) == [3]
    assert sizes([returning, keeping, returning], 14_000_000_000) == [2, 1]
    assert sizes([keeping, keeping], 13_000_000_000) == [1, 1]


def test_two_score_images_at_once_where_both_are_known_to_fit_into_memory():
    models = ("gain-only", "llpacknet", "red", "my_network:factory", "sgn")
    jobs = [Job((Cell(model, "quality", device="cpu"),), predicted_bytes=4_000) for model in models]
    assert sizes(jobs) == [2, 1, 1, 1], "nobody knows the memory of the fourth"
    assert sizes(jobs[:3], 10_001) == [2, 1]
    assert sizes(jobs[:3], 9_999) == [1, 1, 1]
    assert sizes([replace(job, cells=(replace(job.cell, device="cuda"),)) for job in jobs]) == [1] * 5


@pytest.mark.parametrize("extent", [FULL, BRIEF])
@pytest.mark.parametrize("call_s", [1e-5, 0.01, 0.05, 0.4, 1.5, 4.9])
def test_samples_last_as_long_as_they_should_within_the_limits(call_s, extent):
    taken = 0
    while wants_more(taken, taken * call_s, call_s, extent):
        taken += 1
    assert FEWEST_TURNS <= taken <= MOST_TURNS
    assert taken == MOST_TURNS or taken * call_s >= extent.samples_s
    assert taken == FEWEST_TURNS or (taken - 1) * call_s < extent.samples_s


@pytest.mark.parametrize("count", range(2, 14))
def test_nobody_follows_itself_and_each_follows_each_other_equally_often(count):
    those = list(range(count))
    orders = [order(those, number) for number in range(count - count % 2)]
    assert all(sorted(turn) == those for turn in orders)
    in_a_row = [one for turn in orders for one in turn]
    follows = Counter(pairwise([*in_a_row, in_a_row[0]]))
    assert set(follows) == set(permutations(those, 2)), "none follows itself, and each follows each"
    most = 1 if count % 2 else 2
    assert max(follows.values()) <= most


def test_three_take_turns_as_a_gate_needs_it():
    assert [order(["base", "twin", "head"], number) for number in range(3)] == [
        ["base", "twin", "head"],
        ["base", "head", "twin"],
        ["base", "twin", "head"],
    ]


class Sampler:
    """Wants some turns, and keeps when it had them."""

    def __init__(self, wanted, fails=False):
        self.left, self.fails, self.did = wanted, fails, []

    def start(self):
        self.did.append("start")

    def arrive(self):
        self.did.append("arrive")

    def warm_up(self):
        self.did.append("warm")

    @property
    def wants(self):
        return self.left > 0

    def turn(self, number):
        if self.fails:
            raise OSError("gone")
        self.left -= 1
        self.did.append(number)

    def finish(self):
        self.did.append("finish")

    def close(self):
        self.did.append("close")


def test_each_has_the_turns_it_wants_and_all_are_closed_whatever_happens():
    short, long = Sampler(1), Sampler(3)
    assert side_by_side([short, long], first=5) == 8
    assert short.did == ["start", "arrive", "warm", 5, "finish", "close"]
    assert long.did == ["start", "arrive", "warm", 5, 6, 7, "finish", "close"]
    ill = [Sampler(2), Sampler(2, fails=True)]
    with pytest.raises(OSError, match="gone"):
        side_by_side(ill)
    assert [one.did[-1] for one in ill] == ["close", "close"]


def test_a_long_call_has_one_turn():
    assert wants_more(0, 0.0, LONG_CALL_S + 1)
    assert not wants_more(1, LONG_CALL_S + 1, LONG_CALL_S + 1)
