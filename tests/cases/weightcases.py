"""Writes checkpoints of `llpacknet` as people save them: python weightcases.py FOLDER (torch, safetensors).

Names and shapes are those under which the 2022 network was published; the values are random.

    bare, dataparallel, under_state_dict, with_optimizer          forms that are taken today
    compiled, compiled_ddp, ddp_compiled, averaged, profiled      prefixes and extra entries
    under_params, under_params_ema, under_net, under_network,
    under_generator, under_model_state_dict                       keys that hold the state dict
    bare, dataparallel, compiled .safetensors                     the same prefixes in safetensors
    half, bfloat, double, legacy, parameters, channels_last, nan  number formats and containers
    namespace, numpy_scalar, defaultdict                          data that torch's safe loader refuses
    whole_model, script                                           pickled code, TorchScript
    UPPER.SAFETENSORS, no_suffix                                  safetensors under other names
"""

from __future__ import annotations

import argparse
import collections
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file

if TYPE_CHECKING:
    from collections.abc import Iterator


def layers() -> Iterator[tuple[str, int, int, int, bool]]:
    """Name, channels out and in, kernel side and bias of every convolution, all of them weight-normalised."""
    for plane in ("RDBr", "RDBg1", "RDBg2", "RDBb"):
        yield f"{plane}.0", 64, 64, 3, True
    yield "before_identity.0", 64, 256, 1, False
    yield "after_rdb.0", 64, 192, 1, False
    for block, channels in (("RDB1", 64), ("RDB2", 64), ("RDB3", 64), ("final.1", 16)):
        for layer in range(6):
            yield f"{block}.dense_layers.{layer}.conv.0", 32, channels + 32 * layer, 3, False
        yield f"{block}.conv_1x1.0", channels, channels + 192, 1, False
    yield "final.2.0", 192, 16, 3, True


def state_dict() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    state = {}
    for name, out, channels, side, bias in layers():
        if bias:
            state[f"{name}.bias"] = 0.05 * torch.randn(out, generator=generator)
        state[f"{name}.weight_g"] = 1 + 0.1 * torch.rand(out, 1, 1, 1, generator=generator)
        fan_in = channels * side * side
        state[f"{name}.weight_v"] = torch.randn(out, channels, side, side, generator=generator) / fan_in**0.5
    return state


def optimizer_state(state: dict[str, torch.Tensor]) -> dict:
    """Adam's state after one step, moments included."""
    parameters = [torch.nn.Parameter(value.clone()) for value in state.values()]
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer = torch.optim.Adam(parameters)
    optimizer.step()
    return optimizer.state_dict()


def main(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    state = state_dict()

    def prefixed(prefix: str) -> dict[str, torch.Tensor]:
        return {prefix + name: value for name, value in state.items()}

    def save(name: str, content: object, **options: bool) -> None:
        torch.save(content, root / f"{name}.pth", **options)

    # taken today
    save("bare", state)
    save("dataparallel", prefixed("module."))
    save("under_state_dict", {"epoch": 3, "state_dict": prefixed("module."), "best": 27.8})
    save(
        "with_optimizer",
        {"model": state, "optimizer": optimizer_state(state), "scheduler": {"last_epoch": 3}},
    )
    # prefixes and extra entries
    save("compiled", prefixed("_orig_mod."))
    save("compiled_ddp", prefixed("_orig_mod.module."))
    save("ddp_compiled", prefixed("module._orig_mod."))
    save(
        "averaged", {"n_averaged": torch.tensor(1), **prefixed("module.")}
    )  # torch.optim.swa_utils.AveragedModel
    count = torch.zeros(1, dtype=torch.float64)
    save("profiled", {**state, "total_ops": count, "total_params": count})  # thop's counters
    # keys
    save("under_params", {"params": state})
    save("under_params_ema", {"params": {k: v * 0 for k, v in state.items()}, "params_ema": state})  # BasicSR
    save("under_net", {"net": state})
    save("under_network", {"network": state, "iter": 5})
    save("under_generator", {"G": state})
    save("under_model_state_dict", {"epoch": 3, "model_state_dict": state, "optimizer_state_dict": {}})
    # safetensors
    save_file(state, root / "bare.safetensors")
    save_file(prefixed("module."), root / "dataparallel.safetensors")
    save_file(prefixed("_orig_mod."), root / "compiled.safetensors")

    # number formats and containers
    save("half", {k: v.half() for k, v in state.items()})
    save("bfloat", {k: v.bfloat16() for k, v in state.items()})
    save("double", {k: v.double() for k, v in state.items()})
    save("legacy", state, _use_new_zipfile_serialization=False)
    save("parameters", collections.OrderedDict((k, torch.nn.Parameter(v)) for k, v in state.items()))
    flat = {k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in state.items()}
    save("channels_last", flat)
    broken = {k: v.clone() for k, v in state.items()}
    broken["RDBr.0.bias"][0] = float("nan")
    save("nan", broken)
    # more than tensors
    save("namespace", {"state_dict": state, "args": argparse.Namespace(lr=1e-3, name="x")})
    save("numpy_scalar", {"state_dict": state, "best_psnr": np.float64(27.8), "epoch": 3})
    save("defaultdict", {"state_dict": state, "log": collections.defaultdict(list)})
    save("whole_model", torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(torch.nn.Conv2d(1, 1, 1)).save(str(root / "script.pt"))
    # other names
    save_file(state, root / "UPPER.SAFETENSORS")
    save_file(state, root / "no_suffix")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
