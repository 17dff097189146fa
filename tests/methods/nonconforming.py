"""Methods that break one rule of the calling convention each; named as nonconforming:factory."""

import os
import signal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from llpacknet import LLPackNet
from llpacknet.padding import crop, pad_to_multiple


class Fair(nn.Module):
    """Breaks no rule: one convolution on the mosaic, brought to three colours."""

    needs_gain = True
    input_clip = None

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, mosaic):
        if mosaic.shape[-1] % 2 or mosaic.shape[-2] % 2:
            raise ValueError("no Bayer mosaic")
        return torch.sigmoid(self.layer(mosaic))


class TakesFourPlanes(Fair):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 3, padding=1)


class OnlyMultiplesOf16(Fair):
    def forward(self, mosaic):
        return super().forward(F.pixel_shuffle(F.pixel_unshuffle(mosaic, 16), 16))


class SwallowsOddRows(Fair):
    def forward(self, mosaic):
        height, width = mosaic.shape[-2] // 2 * 2, mosaic.shape[-1] // 2 * 2
        return super().forward(mosaic[..., :height, :width])


class MeanOverTheBatch(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic / (mosaic.mean() + 0.1))


class FirstOfTheBatch(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic[:1])


class DropoutLeftOn(Fair):
    def forward(self, mosaic):
        return super().forward(F.dropout(mosaic, 0.5, training=True))


class Remembers(Fair):
    seen = None

    def forward(self, mosaic):
        level = mosaic.mean()
        self.seen = level if self.seen is None else 0.5 * (self.seen + level)
        return super().forward(mosaic / (self.seen + 0.1))


class RandomFromNumpy(Fair):
    def __init__(self):
        super().__init__()
        self.layer.weight.data = torch.from_numpy(np.random.default_rng().random((3, 1, 3, 3), np.float32))


class WorksInPlace(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic.mul_(0.5))


class IgnoresTheGain(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic / mosaic.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6))


class DividesByTheLevel(Fair):
    needs_gain = False

    def forward(self, mosaic):
        return super().forward(mosaic / mosaic.mean(dim=(1, 2, 3), keepdim=True))


class GainInWords(Fair):
    needs_gain = "ratio"


class ClipsAtZero(Fair):
    input_clip = 0


class OneGainForAll(Fair):
    needs_gain = False

    def gain(self, mosaic):
        return mosaic.mean()


class DoublePrecision(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic).double()


class TiedToFloat32(Fair):
    def __init__(self):
        super().__init__()
        self.scale = [0.5, 0.7, 0.9]

    def forward(self, mosaic):
        rgb = super().forward(mosaic)
        return (rgb.permute(0, 2, 3, 1) @ torch.diag(torch.tensor(self.scale))).permute(0, 3, 1, 2)


class ForgetsABuffer(Fair):
    built = 0

    def __init__(self):
        super().__init__()
        type(self).built += 1
        self.offset = 0.1 * self.built

    def forward(self, mosaic):
        return super().forward(mosaic) + self.offset


class SharesMemory(Fair):
    def __init__(self):
        super().__init__()
        self.again = nn.Parameter(self.layer.weight)
        self.again.data = self.layer.weight.data


class SetsThreads(Fair):
    def __init__(self):
        super().__init__()
        torch.set_num_threads(torch.get_num_threads() + 1)


class FreezesAValue(Fair):
    def forward(self, mosaic):
        return super().forward(mosaic) + mosaic.mean().item()


class UnknownToOnnx(Fair):
    def forward(self, mosaic):
        return super().forward(torch.special.bessel_j0(mosaic))


class AllPairs(Fair):
    def forward(self, mosaic):
        padded, margins = pad_to_multiple(mosaic, 10)
        tokens = F.pixel_unshuffle(padded, 10).flatten(2)
        weights = torch.softmax(tokens.transpose(1, 2) @ tokens, dim=-1)
        mixed = (tokens @ weights).view(*tokens.shape[:2], padded.shape[-2] // 10, -1)
        return super().forward(crop(F.pixel_shuffle(mixed, 10), margins))


class KeepsOutputs(Fair):
    def __init__(self):
        super().__init__()
        self.outputs = []

    def forward(self, mosaic):
        self.outputs.append(super().forward(mosaic))
        return self.outputs[-1]


class KillsItselfOnBatches(Fair):
    def forward(self, mosaic):
        if len(mosaic) > 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().forward(mosaic)


class Darkens:
    """A classical method that breaks no rule."""

    kind = "classical"
    needs_gain = True

    def __call__(self, frame, gain):
        image = np.clip(frame.normalised() * gain, 0, 1)
        return np.repeat(image[..., None], 3, axis=2)


class EightBitsAsFloats(Darkens):
    def __call__(self, frame, gain):
        return super().__call__(frame, gain) * 255


class OverwritesTheMosaic(Darkens):
    def __call__(self, frame, gain):
        frame.mosaic[0, 0] += 1
        return super().__call__(frame, gain)


def mixing_unpack():
    return LLPackNet("2022", upsampler="unpack-2020")


def not_callable():
    return {"layer": 1}


def raising():
    raise ValueError("no file called prior.npz")


def dying():
    os._exit(7)
