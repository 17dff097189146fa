"""MCR: an image as a monochrome sensor would have seen it, and colours from both."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="mcr",
    title="MCR",
    paper=(
        "Dong, Xu, Miao, Ma, Zhang, Yang, Jin, Teoh, Shen: Abandoning the Bayer-Filter to See in the Dark, "
        "CVPR 2022"
    ),
    year=2022,
    kind="network",
    factory="baselines.mcr.network:Mcr",
    needs_gain=True,
    size_multiple=32,
    params=15_013_791,
    params_fused=15_013_791,
    gmac=1045.52,
    licence=(
        "MIT for this implementation, written from the published description; the authors' code is CC BY-NC "
        "4.0, for non-commercial use"
    ),
    restricted=True,
    notes="Others call it ABSID. The amplified mosaic is not clipped.",
    weights="mcr.safetensors",
    published=(Score("29.65", ".797", "mcr50", "RawFormer's Table II"),),
)
