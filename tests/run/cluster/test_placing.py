"""How jobs become tasks: by method, then by scene; nothing lost, nothing twice, timed cells apart."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.folder.pairs import Dataset, Pair
from bench.records.cells import TIMED
from bench.run.cluster.placing import TASKS_PER_WORKER, by_image, shared, timed
from bench.run.plan import plan
from bench.run.request import Request


def dataset(scenes, shots):
    """Pairs without files: a plan names them only."""
    pairs = [
        Pair(
            str(10000 + scene),
            f"{shot:02d}",
            0.1,
            10.0,
            Path(f"/d/{scene}_{shot}.ARW"),
            Path(f"/d/{scene}.ARW"),
        )
        for scene in range(scenes)
        for shot in range(shots)
    ]
    return Dataset(Path("/d"), "made", synthetic=True, pairs=tuple(pairs))


def whole(scenes, shots, **options):
    return plan(
        Request(
            ["llpacknet", "gain-only"],
            ["quality", "latency", "memory", "complexity"],
            dataset=dataset(scenes, shots),
            protocols=["sid2018", "paper2020"],
            size=(64, 96),
            threads=1,
            rounds=2,
            **options,
        )
    )


@given(scenes=st.integers(1, 7), shots=st.integers(1, 5), workers=st.integers(0, 40))
def test_tasks_hold_every_cell_once_and_one_scene_each(scenes, shots, workers):
    wanted = whole(scenes, shots)
    tasks = list(shared(wanted.jobs, workers))
    cells = [cell for job in [*tasks, *timed(wanted.jobs)] for cell in job.cells]
    assert set(cells) == set(wanted.cells)
    once = [cell for cell in cells if cell.measurement not in TIMED]
    assert len(once) == len(set(once))
    for job in tasks:
        if job.measurement == "quality":
            assert len({image.long for image in job.images}) == 1
            assert len({cell.model for cell in job.cells}) == 1
            assert [cell.image for cell in job.cells] == [image.name for image in job.images]
            assert sum(len(one.cells) for one in by_image(job)) == len(job.cells)


def test_tasks_of_a_method_follow_each_other():
    models = [job.cell.model for job in shared(whole(4, 3).jobs, 2) if job.measurement == "quality"]
    assert models == sorted(models, key=["llpacknet", "gain-only"].index)


@pytest.mark.parametrize(("workers", "tasks"), [(1, 6), (4, 12), (100, 24)])
def test_scenes_are_cut_until_every_worker_has_its_share(workers, tasks):
    judged = [
        job
        for job in shared(whole(6, 4).jobs, workers)
        if job.measurement == "quality" and job.cell.model == "llpacknet"
    ]
    assert len(judged) == tasks >= min(24, TASKS_PER_WORKER * workers)
