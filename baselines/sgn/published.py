"""Layer names of published SGN checkpoints."""

from __future__ import annotations

from baselines.published import Dialect

_RESIDUAL = ("first.conv", "second.conv", "third")


def _scale(name: str, index: int, *, guided: bool) -> dict[str, str]:
    """Name the layers of a scale, numbered in order; the coarsest has nothing to join."""
    after = 3 if guided else 2
    own = f"scales.{index}"
    return {
        f"{name}1.conv2d": f"{own}.own.conv",
        **({f"{name}2.conv2d": f"{own}.join.conv"} if guided else {}),
        **{
            f"{name}{after}.conv2d.{k}.conv2d": f"{own}.residual.{layer}" for k, layer in enumerate(_RESIDUAL)
        },
        f"{name}{after + 1}.conv2d": f"{own}.out.conv",
    }


_LAYERS = {
    **_scale("top", 0, guided=False),
    **_scale("mid", 1, guided=True),
    **_scale("bot", 2, guided=True),
    "main1.conv2d": "own.conv",
    "main2.conv2d": "join.conv",
    **{f"main3.{index}.conv2d": f"body.{index}.conv" for index in range(5)},
    "main4.conv2d": "out.conv",
}

DIALECTS = {"sgn": (Dialect("the configuration behind the published tables", _LAYERS),)}
