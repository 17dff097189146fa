"""DNF: decoupled denoising and colour correction, with feedback between them."""

from baselines.spec import Score, Spec

SPEC = Spec(
    name="dnf",
    title="DNF",
    paper="Jin, Han, Li, Chai, Guo, Li: DNF: Decouple and Feedback Network for Seeing in the Dark, CVPR 2023",
    year=2023,
    kind="network",
    factory="baselines.dnf.network:Dnf",
    needs_gain=True,
    size_multiple=16,
    params=2_835_103,
    params_fused=2_835_103,
    gmac=658.43,
    input_clip=1.0,
    keeps_negatives=True,
    licence=(
        "MIT for this implementation, written from the published description; the authors' code is CC BY-NC "
        "4.0, for non-commercial use"
    ),
    restricted=True,
    notes=(
        "Values below black reach it as negative numbers. Pads the packed planes, not the mosaic. Parameters "
        "and GMAC include the head for raw planes (28.3 GMAC), which only the training loss uses and "
        "which the fastest forms leave out."
    ),
    weights="dnf.safetensors",
    published=(Score("30.62", ".797", "dnf88", "its Table 1, quoted from memory", lpips=".343"),),
)
