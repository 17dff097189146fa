"""Layer names of MCR's checkpoints."""

from __future__ import annotations

from baselines.published import Dialect

_LEVELS = 5
_HALVES = (("Conv1", "first"), ("Conv2", "second"))

_LAYERS = {
    **{
        f"DBF.DBF_conv{level + 1}.{published}": f"mono.down.{level}.{own}"
        for level in range(_LEVELS)
        for published, own in _HALVES
    },
    **{f"DBF.DBF_upv{level + 5}": f"mono.widen.{level}" for level in range(_LEVELS - 1)},
    **{
        f"DBF.DBF_conv{level + 6}.{published}": f"mono.up.{level}.{own}"
        for level in range(_LEVELS - 1)
        for published, own in _HALVES
    },
    "DBF.DBF_out": "mono.out",
    **{
        f"DBLE.{encoder}_conv{level + 1}.{published}": f"{own_encoder}_down.{level}.{own}"
        for encoder, own_encoder in (("color", "colour"), ("mono", "mono"))
        for level in range(_LEVELS)
        for published, own in _HALVES
    },
    "DBLE.color_up5": "colour_widen",
    "DBLE.mono_up5": "mono_widen",
    **{
        f"DBLE.dual_conv{level + 6}.{published}": f"up.{level}.{own}"
        for level in range(_LEVELS - 1)
        for published, own in _HALVES
    },
    **{f"DBLE.dual_up{level + 6}": f"widen.{level}" for level in range(_LEVELS - 2)},
    **{
        f"DBLE.channel_attention{level + 6}.conv_du.{place}": f"gates.{level}.{own}"
        for level in range(_LEVELS - 1)
        for place, own in ((0, "narrow"), (2, "widen"))
    },
    "DBLE.DBLE_out": "out",
}

DIALECTS = {"mcr": (Dialect("the authors' release", _LAYERS),)}
