"""Layer names of DNF's checkpoints."""

from __future__ import annotations

from baselines.published import R_G1_B_G2, Dialect, prefixed

_LEVELS = 4

_DENOISER = {
    "block.channel_independent.dconv": "spread",
    "block.channel_dependent.pwconv1": "widen",
    "block.channel_dependent.pwconv2": "narrow",
}
_FUSE = {"pwconv": "merge", "dwconv": "spread"}
_FEEDBACK = {"pwconv": "widen", "dwconv": "spread", "project_out": "narrow", "mlp": "out"}
_CORRECTION = {
    "norm": "norm",
    "pwconv": "embed",
    "dwconv": "spread",
    "project_out": "out",
    "feedforward.0": "feed",
    "feedforward.2": "feed_spread",
}

_LAYERS = {
    "feature_conv_0": "embed.0",
    "feature_conv_1": "embed.2",
    "conv_fuse_0": "out.0",
    "conv_fuse_1": "out.2",
    "aux_conv_fuse_0": "raw_decoder.head.0",
    "aux_conv_fuse_1": "raw_decoder.head.2",
}
for level in range(_LEVELS):
    _LAYERS |= {
        **prefixed(f"denoising_blocks.{level}.", _DENOISER, f"denoisers.{level}."),
        **prefixed(f"aux_denoising_blocks.{level}.", _DENOISER, f"raw_decoder.blocks.{level}."),
        **prefixed(f"feedback_fuses.{level}.", _FEEDBACK, f"feedbacks.{level}."),
        f"color_correction_blocks.{level}": f"corrections.{level}",
        **prefixed(f"color_correction_blocks.{level}.", _CORRECTION, f"corrections.{level}."),
    }
for level in range(_LEVELS - 1):
    _LAYERS |= {
        f"downsamples.{level}.body": f"downs.{level}",
        f"upsamples.{level}.body": f"ups.{level}",
        f"aux_upsamples.{level}.body": f"raw_decoder.ups.{level}",
        **prefixed(f"color_decoder_fuses.{level}.", _FUSE, f"fuses.{level}."),
        **prefixed(f"denoising_decoder_fuses.{level}.", _FUSE, f"raw_decoder.fuses.{level}."),
    }

DIALECTS = {
    "dnf": (
        Dialect(
            "the authors' release",
            _LAYERS,
            reads={"feature_conv_0": R_G1_B_G2},
            writes={"aux_conv_fuse_1": R_G1_B_G2},
        ),
    )
}
