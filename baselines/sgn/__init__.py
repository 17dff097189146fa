"""SGN: self-guided network, the variant for raw input."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="sgn",
    title="Gu et al. (SGN)",
    paper="Gu, Li, Van Gool, Timofte: Self-Guided Network for Fast Image Denoising, ICCV 2019",
    year=2019,
    kind="network",
    factory="baselines.sgn.network:Sgn",
    needs_gain=True,
    size_multiple=8,
    params=3_604_963,
    params_fused=3_604_963,
    gmac=2464.6,
    input_clip=1.0,
    licence="MIT (written from the published description; no code of the authors)",
    notes=(
        "The configuration behind the published tables: three guiding scales beside the full one. "
        "The amplified mosaic is clipped at 1, as in SID's protocol."
    ),
    tile_margin=80,
    weights="sgn.safetensors",
    published=(
        Score("28.53", ".81", "paper2020-gt", "LLPackNet's Table 1"),
        Score("28.91", None, "mcr50", "RawFormer's Table II"),
    ),
)
