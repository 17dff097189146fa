"""Layer names of the PyTorch ports of SID's U-Net, which follow the authors' TensorFlow names."""

from __future__ import annotations

from baselines.llpacknet.published import CONV_AMPLIFIER
from baselines.published import Dialect, prefixed

LEVELS = 5

LAYERS = {
    **{
        f"conv{level + 1}_{place}": f"down.{level}.{own}"
        for level in range(LEVELS)
        for place, own in ((1, "first"), (2, "second"))
    },
    **{f"upv{level + 6}": f"widen.{level}" for level in range(LEVELS - 1)},
    **{
        f"conv{level + 6}_{place}": f"up.{level}.{own}"
        for level in range(LEVELS - 1)
        for place, own in ((1, "first"), (2, "second"))
    },
    "conv10_1": "out",
}

DIALECTS = {
    "sid-unet": (Dialect("PyTorch ports of SID's U-Net", LAYERS),),
    "sid-unet+amplifier": (
        Dialect(
            "PyTorch ports of SID's U-Net, and LLPackNet's amplifier",
            {**CONV_AMPLIFIER, **prefixed("", LAYERS, "unet.")},
        ),
    ),
}
