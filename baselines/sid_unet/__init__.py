"""SID's U-Net, with the exposure ratio given or with LLPackNet's amplifier in front."""

from baselines.spec import Score, Spec

_PAPER = "Chen, Chen, Xu, Koltun: Learning to See in the Dark, CVPR 2018"
_LICENCE = "MIT (written from the published description; the authors' code is MIT)"

SPECS = (
    Spec(
        name="sid-unet",
        title="Chen et al. (SID U-Net)",
        paper=_PAPER,
        year=2018,
        kind="network",
        factory="baselines.sid_unet.network:SidUNet",
        needs_gain=True,
        size_multiple=32,
        params=7_760_748,
        params_fused=7_760_748,
        gmac=560.1,
        input_clip=1.0,
        licence=_LICENCE,
        notes="The amplified mosaic is clipped at 1 before the network, as in the authors' code.",
        tile_margin=192,
        weights="sid-unet.safetensors",
        published=(
            Score("28.88", ".787", "sid2018", "its paper"),
            Score("28.30", ".79", "paper2020-gt", "LLPackNet's Table 1"),
            Score("28.88", None, "mcr50", "RawFormer's Table II"),
        ),
    ),
    Spec(
        name="sid-unet+amplifier",
        title="Chen et al. + LLPackNet's amplifier",
        paper=(
            f"{_PAPER}; amplifier: Lamba, Balaji, Mitra: Towards Fast and Light-Weight Restoration of Dark "
            "Images, BMVC 2020"
        ),
        year=2020,
        kind="network",
        factory="baselines.sid_unet.network:AmplifiedSidUNet",
        needs_gain=False,
        size_multiple=32,
        params=7_763_645,
        params_fused=7_763_645,
        gmac=561.8,
        licence=_LICENCE,
        notes=(
            "The convolutional amplifier in front of the U-Net, both trained on the unamplified mosaic, "
            "which is amplified and clipped at 1 inside. No code was published; of the two amplifiers this "
            "one comes closer to the table's 7.76 M parameters."
        ),
        amplified_margin=192,
        weights="sid-unet+amplifier.safetensors",
    ),
)
