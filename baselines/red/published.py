"""Layer names of RED's checkpoints: the authors' own, and those of an MIT-licensed reimplementation."""

from __future__ import annotations

from baselines.published import Dialect

_BLOCK_LAYERS = (4, 5, 5)

_AUTHORS = {
    "conv32x.0.0": "coarse.0",
    "conv32x.1.0": "coarse.1",
    # Every layer but the first stands behind an activation inside its module.
    **{
        f"RDB{block + 1}.dense_layers.{layer}.conv.{min(layer, 1)}": f"blocks.{block}.layers.{layer}"
        for block, layers in enumerate(_BLOCK_LAYERS)
        for layer in range(layers)
    },
    **{f"RDB{block + 1}.conv_1x1.0": f"blocks.{block}.fuse" for block in range(3)},
    "rdball.0": "gather",
    "conv_rdb8x.0": "lift",
    "resblock8x.conv1.0": "residual.first",
    "resblock8x.conv2.0": "residual.second",
    "conv32_8_cat.0.0": "mix.0",
    "conv32_8_cat.1.0": "mix.1",
    "conv2x.0": "fine",
    "conv_2_8_32.0": "out",
}


def _reimplemented_dense(layer: int, layers: int) -> str:
    activated = 0 < layer < layers - 1
    return f"{layer}.1.conv" if activated else f"{layer}.conv"


_REIMPLEMENTATION = {
    "conv32x.0.conv": "coarse.0",
    "conv32x.1.conv": "coarse.1",
    **{
        f"RDB{block + 1}.layers.{_reimplemented_dense(layer, layers)}": f"blocks.{block}.layers.{layer}"
        for block, layers in enumerate(_BLOCK_LAYERS)
        for layer in range(layers)
    },
    **{f"RDB{block + 1}.last.conv": f"blocks.{block}.fuse" for block in range(3)},
    "rdball.conv": "gather",
    "conv_rdb8x.conv": "lift",
    "resblock8x.model.0.conv": "residual.first",
    "resblock8x.model.2.conv": "residual.second",
    "conv32_8_cat.0.conv": "mix.0",
    "conv32_8_cat.1.conv": "mix.1",
    "conv2x.conv": "fine",
    "conv_2_8_32.conv": "out",
}

DIALECTS = {
    "red": (
        Dialect("the authors' release", _AUTHORS),
        Dialect("an MIT-licensed reimplementation", _REIMPLEMENTATION),
    )
}
