"""The U-Net from raw to raw of ELD, PMN and LED, followed by the camera pipeline."""

from baselines.spec import Spec

SPEC = Spec(
    name="sid-unet-raw",
    title="SID U-Net, raw to raw",
    paper=(
        "Chen, Chen, Xu, Koltun: Learning to See in the Dark, CVPR 2018 (the graph); Wei et al.: A "
        "Physics-based Noise Formation Model for Extreme Low-light Raw Denoising, CVPR 2020 (raw to raw)"
    ),
    year=2020,
    kind="denoiser",
    factory="baselines.sid_unet_raw.method:RawDenoiser",
    needs_gain=True,
    size_multiple=32,
    params=7_760_484,
    params_fused=7_760_484,
    gmac=559.32,
    input_clip=1.0,
    tile_margin=192,
    licence=(
        "MIT (written from the published description; the code of ELD is MIT, of PMN Apache-2.0, of LED "
        "CC BY-NC 4.0)"
    ),
    notes=(
        "Returns a mosaic, which LibRaw renders as it does for gain-only. Its publications score in the raw "
        "domain, so that their figures do not compare with those of methods that give images."
    ),
    weights="sid-unet-raw.safetensors",
)
