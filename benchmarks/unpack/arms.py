"""What is trained: LLPackNet's trunk with one thing changed at a time.

Every arm takes the amplified mosaic, as the network of 2022 does, so that no arm's amplifier has to be
learned beside the thing in question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llpacknet import LLPackNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from llpacknet.network import Final, Upsampler


@dataclass(frozen=True)
class Arm:
    """One way to build and train the network.

    Attributes:
        name: its name in files and tables.
        upsampler: "unpack", "unpack-2020" (mixes the images of a batch) or "pixelshuffle".
        batch: patches a step.
        weight_norm: on every convolution, or on none.
        final: "sigmoid", or "relu", which scoring then clips to [0, 1].
    """

    name: str
    upsampler: Upsampler
    batch: int
    weight_norm: bool = True
    final: Final = "sigmoid"

    def network(self) -> LLPackNet:
        """Build it, with weights from torch's current seed."""
        return LLPackNet("2022", self.upsampler, weight_norm=self.weight_norm, final=self.final)

    def words(self) -> dict[str, str]:
        """Say what it is, for a table."""
        return {
            "upsampler": {
                "unpack": "UnPack",
                "unpack-2020": "UnPack, old form",
                "pixelshuffle": "PixelShuffle",
            }[self.upsampler],
            "batch": str(self.batch),
            "weight-norm": "yes" if self.weight_norm else "no",
            "ends with": "sigmoid" if self.final == "sigmoid" else "ReLU, clip",
        }


# In the order of the table: those that 2022 changed first, the setting of 2020 (batch 1) last.
ARMS = (
    Arm("unpack", "unpack", 4),
    Arm("unpack-old", "unpack-2020", 4),
    Arm("pixelshuffle", "pixelshuffle", 4),
    Arm("unpack-no-weight-norm", "unpack", 4, weight_norm=False),
    Arm("unpack-relu", "unpack", 4, final="relu"),
    Arm("unpack-as-2020", "unpack", 4, weight_norm=False, final="relu"),
    Arm("unpack-old-as-2020", "unpack-2020", 4, weight_norm=False, final="relu"),
    Arm("unpack-single", "unpack", 1),
    Arm("unpack-old-single", "unpack-2020", 1),
    Arm("unpack-as-2020-single", "unpack", 1, weight_norm=False, final="relu"),
    Arm("pixelshuffle-as-2020-single", "pixelshuffle", 1, weight_norm=False, final="relu"),
)


@dataclass(frozen=True)
class Question:
    """Two arms that differ in one thing: what `changed` scores is compared with what `base` scores.

    Attributes:
        text: what is asked.
        changed: name of one arm.
        base: name of the other.
    """

    text: str
    changed: str
    base: str


QUESTIONS = (
    Question("old form instead of UnPack, batch 4", "unpack-old", "unpack"),
    Question(
        "old form instead of UnPack, batch 4, as in 2020 otherwise", "unpack-old-as-2020", "unpack-as-2020"
    ),
    Question("old form instead of UnPack, batch 1", "unpack-old-single", "unpack-single"),
    Question("PixelShuffle instead of UnPack, batch 4", "pixelshuffle", "unpack"),
    Question(
        "PixelShuffle instead of UnPack, batch 1, as in 2020 otherwise",
        "pixelshuffle-as-2020-single",
        "unpack-as-2020-single",
    ),
    Question("no weight-norm, batch 4", "unpack-no-weight-norm", "unpack"),
    Question("ReLU and clip instead of sigmoid, batch 4", "unpack-relu", "unpack"),
    Question("neither weight-norm nor sigmoid, batch 4", "unpack-as-2020", "unpack"),
)


def __getattr__(name: str) -> Callable[[], LLPackNet]:
    """Return the builder of the arm of that name: a network is registered as module:attribute."""
    for each in ARMS:
        if each.name == name:
            return each.network
    raise AttributeError(name)
