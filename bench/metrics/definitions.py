"""The table of metrics: what each one is, which library it equals, and how closely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.metrics.lpips import available, lpips
from bench.metrics.psnr import psnr
from bench.metrics.ssim import ssim
from bench.metrics.windows import Definition
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.metrics.backbone import Net


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Attributes:
        name: what the command line and result files call it.
        title: what tables call it.
        definition: the exact definition in one sentence.
        lowest: least value that it can have.
        highest: greatest value that it can have.
        better: whether "higher" or "lower" values are better.
        reference: library and call to which it is equal.
        tolerance: largest difference from the reference, as tested.
        compute: function of (prediction, truth, data_range), see `bench.metrics.psnr`.
        network: the network of an LPIPS; None for other metrics.
    """

    name: str
    title: str
    definition: str
    lowest: float
    highest: float
    better: Literal["higher", "lower"]
    reference: str
    tolerance: float
    compute: Callable[[Any, Any, float | None], float]
    network: Net | None = None

    def unavailable(self) -> str | None:
        """Say why it cannot be computed on this machine; None if it can."""
        return available(self.network) if self.network else None


def _ssim(
    definition: Definition, title: str, sentence: str, reference: str, tolerance: float = 1e-6
) -> Metric:
    compute = partial(ssim, definition=definition)
    name = f"ssim-{definition}"
    return Metric(name, title, sentence, -1.0, 1.0, "higher", reference, tolerance, compute)


def _lpips(net: Net, network: str, *, signed: bool = True) -> Metric:
    what = "brought to [-1, 1]" if signed else "left in [0, 1]"
    return Metric(
        name=f"lpips-{net}" if signed else f"lpips-{net}-unit",
        title=f"LPIPS {network}" if signed else f"LPIPS {network}, [0, 1]",
        definition=f"LPIPS version 0.1 on {network}, images {what}.",
        lowest=0.0,
        highest=math.inf,
        better="lower",
        reference=f"lpips 0.1.4 LPIPS(net='{net}')",
        tolerance=1e-5,
        compute=partial(lpips, net=net, signed=signed),
        network=net,
    )


_SKIMAGE = "scikit-image structural_similarity(channel_axis=2"
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="psnr",
            title="PSNR dB",
            definition="10 log10(range^2 / MSE), MSE over all pixels and colours together.",
            lowest=-math.inf,
            highest=math.inf,
            better="higher",
            reference="scikit-image peak_signal_noise_ratio",
            tolerance=1e-10,
            compute=psnr,
        ),
        _ssim(
            "uniform",
            "SSIM",
            "7x7 uniform window, sample covariance, windows inside the image, mean over colours.",
            f"{_SKIMAGE})",
            tolerance=1e-10,
        ),
        _ssim(
            "gaussian",
            "SSIM Gaussian",
            "11x11 Gaussian window, sigma 1.5, sample covariance, windows inside, mean over colours.",
            f"{_SKIMAGE}, gaussian_weights=True)",
        ),
        _ssim(
            "gaussian-population",
            "SSIM Gaussian, population",
            "The same with population covariance, as in pytorch-msssim.",
            f"{_SKIMAGE}, gaussian_weights=True, use_sample_covariance=False)",
        ),
        _ssim(
            "wang-luma",
            "SSIM luma",
            "Wang et al. 2004 on BT.601 luma (not rounded), 11x11 Gaussian, no downsampling, windows inside.",
            "scikit-image structural_similarity(luma, gaussian_weights=True, use_sample_covariance=False)",
        ),
        _ssim(
            "matlab-rgb",
            "SSIM MATLAB",
            "MATLAB's ssim applied to RGB as a volume: 11x11x11 Gaussian, sigma 1.5, replicated borders, "
            "population covariance.",
            "SciPy correlate of the 11x11x11 window, mode='nearest'",
        ),
        _lpips("alex", "AlexNet"),
        _lpips("vgg", "VGG16"),
        _lpips("squeeze", "SqueezeNet"),
        _lpips("alex", "AlexNet", signed=False),
    )
}
assert {f"ssim-{name}" for name in get_args(Definition)} < set(METRICS)


def get(name: str) -> Metric:
    """Return the metric of that name.

    Raises:
        InputError: there is none; the message lists those that exist.
    """
    if name not in METRICS:
        raise InputError(f"there is no metric {name!r}: choose from {', '.join(METRICS)}")
    return METRICS[name]


def to_json(value: float) -> float | str:
    """Return a metric's value for strict JSON: the infinite PSNR of identical images is the string "inf".

    Raises:
        InputError: the value is NaN, which no metric gives.
    """
    if math.isnan(value):
        raise InputError("a metric is NaN: the images were not checked")
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
