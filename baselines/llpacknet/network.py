"""The registered forms of LLPackNet, each as published; `llpacknet.shipped` says how each is built."""

from __future__ import annotations

from llpacknet.shipped import BUILDERS

llpacknet = BUILDERS["llpacknet"]
llpacknet_2020 = BUILDERS["llpacknet-2020"]
llpacknet_2020_conv = BUILDERS["llpacknet-2020-conv"]
llpacknet_pixelshuffle = BUILDERS["llpacknet-pixelshuffle"]
