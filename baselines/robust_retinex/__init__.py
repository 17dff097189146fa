"""Robust Retinex: reflectance, illumination and a noise map by alternating minimisation."""

from baselines.spec import Spec

SPEC = Spec(
    name="robust-retinex",
    title="Li et al. (robust Retinex)",
    paper=(
        "Li, Liu, Yang, Sun, Guo: Structure-Revealing Low-Light Image Enhancement via Robust Retinex Model, "
        "IEEE TIP 2018"
    ),
    year=2018,
    kind="classical",
    factory="baselines.robust_retinex.algorithm:RobustRetinex",
    needs_gain=False,
    size_multiple=2,
    params=0,
    params_fused=0,
    gmac=None,
    licence="MIT (written from the published formulas; no code of the authors)",
    notes=(
        "Works on the value channel of rawpy's rendering of the dark raw and finds the brightening itself. "
        "The full alternating scheme, with both linear systems solved by preconditioned conjugate gradients."
    ),
)
