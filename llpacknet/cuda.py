"""A network's form for a CUDA device: channels-last, in half precision if asked, replayed from a CUDA graph.

At 1/16 of the sides a layer takes a GPU less time than Python needs to launch the next one. A CUDA graph
records the launches of one call and replays them together; it holds for one input shape, and its input and
output lie in the same memory at every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from llpacknet.errors import UsageError
from llpacknet.network import for_inference
from llpacknet.padding import check_mosaic

if TYPE_CHECKING:
    from torch import Tensor

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Calls before recording, in which cuDNN chooses its kernels and the allocator gets its memory.
WARM_UP_CALLS = 3


class CudaForm(nn.Module):
    """A network on one device: float32 mosaic (B, 1, H, W) -> float32 RGB (B, 3, H, W), for inference.

    Args:
        network: in eval mode; it is not changed. Keep an amplifier outside of it: it gives one number per
        image, which
            half precision would make coarse.
        precision: "fp32", "bf16" or "fp16", of weights and activations alike.
        device: where it runs. On any device but CUDA nothing is recorded, but all else is the same.

    Raises:
        InputError: an unknown precision; from forward, an unusable mosaic.

    """

    def __init__(
        self,
        network: nn.Module,
        precision: str = "fp32",
        device: str = "cuda",
    ) -> None:
        super().__init__()
        if precision not in DTYPES:
            raise UsageError(f"no form in {precision!r}; choose from {', '.join(DTYPES)}")
        self.dtype = DTYPES[precision]
        fused = for_inference(network).requires_grad_(requires_grad=False)
        self.network: nn.Module = fused.to(device, self.dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._recorded: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = {}

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 3, H, W); later calls of the same shape do not overwrite it."""
        # Checked here, because a recording can look at no values.
        check_mosaic(mosaic)
        with torch.inference_mode():
            if mosaic.is_cuda:
                return self._replay(mosaic)
            return cast("Tensor", self.network(mosaic.to(self.dtype)).float())

    def _replay(self, mosaic: Tensor) -> Tensor:
        shape = tuple(mosaic.shape)
        if shape not in self._recorded:
            # One shape at a time: a recording holds all its activations.
            self._recorded = {shape: self._record(mosaic)}
        graph, placed, rgb = self._recorded[shape]
        placed.copy_(mosaic)
        graph.replay()
        return rgb.float() if rgb.dtype != torch.float32 else rgb.clone()

    def _record(self, mosaic: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        placed = mosaic.to(self.dtype, copy=True)
        side = torch.cuda.Stream(mosaic.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_CALLS):
                self.network(placed)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            rgb: Tensor = self.network(placed)
        return graph, placed, rgb
