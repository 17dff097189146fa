"""Layer names of ELD's, PMN's and LED's U-Nets, which are those of SID's."""

from __future__ import annotations

from baselines.published import R_G1_B_G2, Dialect
from baselines.sid_unet.published import LAYERS

DIALECTS = {
    "sid-unet-raw": (
        Dialect(
            "the releases of ELD, PMN and LED",
            LAYERS,
            reads={"conv1_1": R_G1_B_G2},
            writes={"conv10_1": R_G1_B_G2},
        ),
    )
}
