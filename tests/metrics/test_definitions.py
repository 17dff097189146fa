import json
import math

import numpy as np
import pytest

from bench.metrics import definitions, psnr
from bench.metrics.definitions import METRICS, to_json
from llpacknet.errors import InputError

COMPUTED = [metric for metric in METRICS.values() if not metric.name.startswith("lpips")]


@pytest.mark.parametrize("metric", COMPUTED, ids=lambda metric: metric.name)
def test_better_is_better_and_values_lie_in_their_range(metric):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (30, 30, 3), np.uint8)
    near = np.clip(truth + rng.integers(-9, 9, truth.shape), 0, 255).astype(np.uint8)
    values = [metric.compute(image, truth, None) for image in (255 - truth, near, truth)]
    assert values == sorted(values, reverse=metric.better == "lower")
    assert metric.lowest <= min(values) <= max(values) <= metric.highest + 1e-12


def test_every_row_names_its_reference_and_tolerance():
    for metric in METRICS.values():
        assert metric.definition.endswith(".")
        assert metric.reference
        assert 0 < metric.tolerance <= 1e-5


def test_infinity_goes_into_json_by_its_name():
    image = np.zeros((9, 9, 3), np.uint8)
    assert json.dumps(to_json(psnr(image, image)), allow_nan=False) == '"inf"'
    assert to_json(-math.inf) == "-inf"
    assert to_json(28.25) == 28.25
    with pytest.raises(InputError):
        to_json(math.nan)


def test_unknown_metrics_are_listed():
    with pytest.raises(InputError, match="ssim-uniform"):
        definitions.get("ssim")
