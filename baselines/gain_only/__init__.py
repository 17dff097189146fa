"""The control: the raw multiplied by the gain, then rawpy's own pipeline."""

from baselines.spec import Spec

SPEC = Spec(
    name="gain-only",
    title="Gain only",
    paper="none: the control of this suite (LibRaw's pipeline on the amplified raw)",
    year=2026,
    kind="classical",
    factory="baselines.gain_only.algorithm:GainOnly",
    needs_gain=True,
    size_multiple=2,
    params=0,
    params_fused=0,
    gmac=None,
    licence="MIT; decoding and demosaicking by LibRaw (LGPL-2.1 or CDDL-1.0) through rawpy (MIT)",
    notes="Amplification without denoising: what a method must beat to have restored anything.",
)
