"""Strips of rows: they cover the image once, and the number of threads changes no result."""

import numpy as np
import pytest

from baselines import strips
from baselines.lime import fast


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (1000, 1000), (3, 1 << 20)])
def test_strips_cover_every_row_once(shape):
    seen = np.zeros(shape[0], int)

    def work(first, end):
        seen[first:end] += 1

    strips.over_strips(work, shape)
    assert (seen == 1).all()


def test_result_is_the_same_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(strips, "STRIP_PIXELS", 2000)
    estimate = np.random.default_rng(0).random((150, 131)) * 0.05
    maps = []
    for count in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", count)
        maps.append(fast.refine(estimate).illumination)
    np.testing.assert_array_equal(*maps)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 1 << 18)
    np.testing.assert_allclose(fast.refine(estimate).illumination, maps[0], rtol=1e-6)


def test_threads_follow_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert strips.threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert strips.threads() >= 1


def test_an_error_in_a_strip_is_not_lost(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def work(first, end):
        raise ValueError(first, end)

    with pytest.raises(ValueError, match="0"):
        strips.over_strips(work, (4000, 4000))
