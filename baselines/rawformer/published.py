"""Layer names of RawFormer's checkpoints."""

from __future__ import annotations

from baselines.published import Dialect, prefixed

_BLOCK = {
    "conv": "convolution",
    "Transformer.norm1.body": "attention_norm",
    "Transformer.attn": "attention",
    "Transformer.attn.qkv": "attention.embed",
    "Transformer.attn.qkv_dwconv": "attention.spread",
    "Transformer.attn.project_out": "attention.out",
    "Transformer.norm2.body": "feed_norm",
    "Transformer.ffn.pointwise1": "feed_forward.widen",
    "Transformer.ffn.depthwise": "feed_forward.spread",
    "Transformer.ffn.pointwise2": "feed_forward.narrow",
    "channel_reduce": "merge",
    "Conv_out": "out",
}
_PLACES = (*(f"down_blocks.{level}" for level in range(4)), *(f"up_blocks.{level}" for level in range(3)))

_LAYERS = {"embedding": "embedding", "conv_out": "out"}
for number, place in enumerate(_PLACES, start=1):
    _LAYERS |= prefixed(f"conv_tran{number}.", _BLOCK, f"{place}.")
for number in (1, 2, 3):
    _LAYERS |= {
        f"down{number}.body.0": f"downs.{number - 1}",
        f"up{number}": f"ups.{number - 1}",
        f"channel_reduce{number}": f"merges.{number - 1}",
    }

_DIALECTS = (Dialect("the authors' release", _LAYERS),)
DIALECTS = {"rawformer-s": _DIALECTS, "rawformer-b": _DIALECTS, "rawformer-l": _DIALECTS}
