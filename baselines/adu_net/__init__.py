"""ADU-Net: an attentive dilated U-Net for extremely dark images in real time."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="adu-net",
    title="ADU-Net",
    paper=(
        "Huang, Ren, Liu, Liu, Lv, Lu, Xie, Lu: Real-time Attentive Dilated U-Net for Extremely Dark Image "
        "Enhancement, ACM TOMM 20(8), 2024"
    ),
    year=2024,
    kind="network",
    factory="baselines.adu_net.network:AduNet",
    needs_gain=True,
    size_multiple=64,
    params=635_152,
    params_fused=634_640,
    gmac=35.92,
    input_clip=1.0,
    licence="MIT (written from the published description; the authors' code is Apache-2.0)",
    notes=(
        "Pads the packed planes, not the mosaic, at the bottom and on the right; the two means over the "
        "frame, on which its fusion rests, include that margin."
    ),
    weights="adu-net.safetensors",
    published=(Score("29.35", ".7877", "adu93", "its table for SID's Sony half"),),
)
