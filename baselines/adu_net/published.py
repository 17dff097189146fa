"""Layer names of ADU-Net's checkpoints."""

from __future__ import annotations

from baselines.published import R_G1_B_G2, Dialect

_BLOCKS = (5, 3)

_LAYERS = {
    "conv0": "fine",
    "downs.0.conv": "eighth",
    **{f"downs.1.conv.{layer}": f"coarse.{layer}" for layer in (0, 1)},
    # "trasform" is how the publication spells it.
    **{
        f"ups.{stage}.trasform.resblocks.{block}.{published}": f"stages.{stage}.blocks.{block}.{own}"
        for stage, blocks in enumerate(_BLOCKS)
        for block in range(blocks)
        for published, own in (("body.0", "first"), ("body.2", "second"), ("shortcut", "shortcut"))
    },
    **{
        f"ups.{stage}.{published}": f"stages.{stage}.{own}"
        for stage in range(len(_BLOCKS))
        for published, own in (
            ("trasform.reduction", "gather"),
            ("up.0", "narrow"),
            ("fusion.refine", "fusion.refine"),
            ("fusion.attention.model.1", "fusion.attention"),
        )
    },
    "out.1": "out",
}

DIALECTS = {"adu-net": (Dialect("the authors' release", _LAYERS, reads={"conv0": R_G1_B_G2}),)}
