"""The page on amplifiers is what its maker writes, and its figures are numpy's."""

import numpy as np
import pytest

from bench.data.folder import controls


@pytest.fixture(scope="module")
def maker(page_maker):
    return page_maker("amplifier")


def test_the_page_is_what_its_maker_writes(maker):
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run: python docs/amplifier.py"


@pytest.mark.parametrize(
    ("exposure", "expected"), [("", {"level": 0.64, "mean": 0.69, "inverse": 1.15}),
                               ("_0.1s", {"level": 0.72, "mean": 0.80, "inverse": 1.20})],
)  # fmt: skip
def test_errors_without_the_own_scene_are_those_of_numpy(maker, exposure, expected):
    known = maker.frames(exposure)
    x, y = (np.log2([getattr(one, what) for one in known]) for what in ("level", "ratio"))
    scenes = np.array([one.scene for one in known])
    errors = {"level": [], "mean": [], "inverse": []}
    for scene in np.unique(scenes):
        out = scenes == scene
        line = np.polyfit(x[~out], y[~out], 1)
        errors["level"] += list(np.polyval(line, x[out]) - y[out])
        errors["mean"] += list(y[~out].mean() - y[out])
        errors["inverse"] += list((x + y)[~out].mean() - x[out] - y[out])
    rules = {"level": controls.fit, "mean": maker.mean_ratio, "inverse": maker.inverse}
    for name, rule in rules.items():
        found = maker.left_out(rule, known, known)
        assert found == pytest.approx(np.sqrt(np.mean(np.square(errors[name]))))
        assert found == pytest.approx(expected[name], abs=0.006)
