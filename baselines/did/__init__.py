"""DID: a residual network for extremely dark raws."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="did",
    title="Maharjan et al. (DID)",
    paper=(
        "Maharjan, Li, Li, Xu, Ma, Li: Improving Extreme Low-Light Image Denoising via Residual Learning, "
        "ICME 2019"
    ),
    year=2019,
    kind="network",
    factory="baselines.did.network:Did",
    needs_gain=True,
    size_multiple=2,
    params=2_552_131,
    params_fused=2_552_131,
    gmac=7735.8,
    input_clip=1.0,
    licence="MIT (written from the published description; no code of the authors)",
    notes=(
        "Published state dicts also hold a squeeze-and-excitation block per residual block (2,570,691 "
        "parameters in all) that is never called; it is left out here and dropped on import. "
        "The amplified mosaic is clipped at 1, as in SID's protocol."
    ),
    tile_margin=136,
    weights="did.safetensors",
    published=(Score("28.41", ".81", "paper2020-gt", "LLPackNet's Table 1"),),
)
