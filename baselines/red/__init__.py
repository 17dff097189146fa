"""RED: restoring extremely dark images in real time, the follow-up of LLPackNet's authors."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="red",
    title="RED",
    paper="Lamba, Mitra: Restoring Extremely Dark Images in Real Time, CVPR 2021",
    year=2021,
    kind="network",
    factory="baselines.red.network:Red",
    needs_gain=True,
    size_multiple=32,
    params=784_768,
    params_fused=783_432,
    gmac=59.6,
    licence=(
        "MIT for this implementation, written from the published description; RED's authors reserve all "
        "rights in theirs and mention a patent"
    ),
    restricted=True,
    notes=(
        "Every convolution weight-normed, as published. Its authors find the gain by a closed form "
        "(`llpacknet.red_gain`) outside the network."
    ),
    tile_margin=544,
    weights="red.safetensors",
    published=(Score("28.66", ".790", "paper2020-gt", "its Table 1"),),
)
