"""LIME: low-light enhancement by a refined illumination map."""

from baselines.spec import Spec

SPEC = Spec(
    name="lime",
    title="LIME",
    paper="Guo, Li, Ling: LIME: Low-Light Image Enhancement via Illumination Map Estimation, IEEE TIP 2017",
    year=2017,
    kind="classical",
    factory="baselines.lime.algorithm:Lime",
    needs_gain=False,
    size_multiple=2,
    params=0,
    params_fused=0,
    gmac=None,
    licence="MIT (written from the published formulas; no code of the authors)",
    notes=(
        "Works on rawpy's rendering of the dark raw and finds the brightening itself. "
        "The fast solver (one sparse linear system) is the default; the exact one is an option."
    ),
)
