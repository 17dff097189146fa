"""RawFormer in its three published sizes."""

from baselines.spec import Score, Spec

_SIZES = {
    # name: (factory, parameters, GMAC, PSNR, SSIM)
    "S": ("small", 3_401_252, 722.53, "29.47", ".790"),
    "B": ("base", 7_615_124, 1603.35, "29.89", ".796"),
    "L": ("large", 13_504_516, 2830.54, "29.97", ".800"),
}

SPECS = tuple(
    Spec(
        name=f"rawformer-{size.lower()}",
        title=f"RawFormer-{size}",
        paper=(
            "Xu, Dong, Ma, Teoh, Lin: RawFormer: An Efficient Vision Transformer for Low-Light RAW Image "
            "Enhancement, IEEE Signal Processing Letters 29, 2022"
        ),
        year=2022,
        kind="network",
        factory=f"baselines.rawformer.network:{factory}",
        needs_gain=True,
        size_multiple=16,
        params=params,
        params_fused=params,
        gmac=gmac,
        licence=(
            "MIT for this implementation, written from the published description; the authors' code is CC "
            "BY-NC 4.0, for non-commercial use"
        ),
        restricted=True,
        notes="The amplified mosaic is not clipped; the best checkpoint was picked on the test frames.",
        weights=f"rawformer-{size.lower()}.safetensors",
        published=(Score(psnr, ssim, "mcr50", "its Table II"),),
    )
    for size, (factory, params, gmac, psnr, ssim) in _SIZES.items()
)
