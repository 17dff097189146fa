"""The registered forms of LLPackNet, each as published."""

from __future__ import annotations

from llpacknet.network import LLPackNet


def llpacknet() -> LLPackNet:
    """Build the network of the 2022 re-release, weight-norm live."""
    return LLPackNet("2022")


def llpacknet_2020() -> LLPackNet:
    """Build the network of the 2020 training and test code, with the histogram amplifier."""
    return LLPackNet("2020-histogram")


def llpacknet_2020_conv() -> LLPackNet:
    """Build the network of the 2020 ablation code, with the convolutional amplifier."""
    return LLPackNet("2020-conv")


def llpacknet_pixelshuffle() -> LLPackNet:
    """Build the published ablation: PixelShuffle in place of UnPack."""
    return LLPackNet("2020-conv", "pixelshuffle")
