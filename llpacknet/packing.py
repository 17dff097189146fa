"""Pack and UnPack: the paper's fast down- and upsampling (Algorithm 1).

Both only move pixels. UnPack by the factor f is torch's PixelShuffle(f) after a fixed permutation of the
channels, so a convolution followed by either can represent the same functions. The historical forms at the
end of the file are for testing the claims made about them; the network takes the one that mixes images as an
option, for the experiment on exactly that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from llpacknet.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


def pack(x: Tensor, factor: int) -> Tensor:
    """Gather every factor x factor block of pixels into channels.

    Args:
        x: (B, C, H, W), H and W multiples of `factor`; any dtype, any value range.
        factor: side of a block, at least 1.

    Returns:
        (B, C*factor**2, H/factor, W/factor); the pixel at row r, column c of a block and of channel k
        becomes channel (r*factor + c)*C + k.

    Raises:
        InputError: x has a different rank, or its sides are not multiples of the factor.

    """
    _check(x, factor)
    batch, channels, height, width = x.shape
    if height % factor or width % factor:
        raise UsageError(f"pack by {factor} needs sides that are multiples of {factor}, got {tuple(x.shape)}")
    rows, columns = height // factor, width // factor
    blocks = x.reshape(batch, channels, rows, factor, columns, factor)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(batch, factor * factor * channels, rows, columns)


def unpack(x: Tensor, factor: int) -> Tensor:
    """Spread channels over factor x factor blocks of pixels: the inverse of `pack`, exact at any batch size.

    Args:
        x: (B, C*factor**2, H, W), channel (r*factor + c)*C + k as `pack` orders them.
        factor: side of a block, at least 1.

    Returns:
        (B, C, H*factor, W*factor).

    Raises:
        InputError: x has a different rank, or its channels are not multiples of factor**2.

    """
    _check(x, factor)
    _check_channels(x, factor)
    batch, channels, rows, columns = x.shape
    colours = channels // factor**2
    blocks = x.reshape(batch, factor, factor, colours, rows, columns)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(batch, colours, rows * factor, columns * factor)


def pixelshuffle_order(factor: int, colours: int = 3) -> Tensor:
    """Permutation of channels after which PixelShuffle equals UnPack.

    `unpack(x, f)` equals `pixel_shuffle(x[:, pixelshuffle_order(f, C)], f)`; a convolution whose filters
    are permuted by it and that PixelShuffle follows equals the convolution that UnPack follows.

    Returns:
        (colours*factor**2,) int64: the channel of UnPack's order at each place of PixelShuffle's order.

    """
    return torch.arange(factor * factor * colours).reshape(factor * factor, colours).T.reshape(-1)


def unpack_loop(x: Tensor, factor: int = 8) -> Tensor:
    """Algorithm 1 as printed in the paper: strided copies, one for each position in a block.

    Args:
        x: (B, C*factor**2, H, W).
        factor: side of a block.

    Returns:
        (B, C, H*factor, W*factor), bit-identical to `unpack`, only slower.

    """
    _check(x, factor)
    _check_channels(x, factor)
    batch, channels, rows, columns = x.shape
    colours = channels // factor**2
    out = x.new_empty(batch, colours, rows * factor, columns * factor)
    for r in range(factor):
        for c in range(factor):
            first = (r * factor + c) * colours
            out[:, :, r::factor, c::factor] = x[:, first : first + colours]
    return out


def pack_loop(x: Tensor, factor: int = 8) -> Tensor:
    """Pack by strided copies, one for each position in a block, as the training code of 2020 did.

    Args:
        x: (B, C, H, W), H and W multiples of `factor`.
        factor: side of a block.

    Returns:
        (B, C*factor**2, H/factor, W/factor), bit-identical to `pack`.

    """
    _check(x, factor)
    batch, colours, height, width = x.shape
    out = x.new_empty(batch, colours * factor**2, height // factor, width // factor)
    for r in range(factor):
        for c in range(factor):
            first = (r * factor + c) * colours
            out[:, first : first + colours] = x[:, :, r::factor, c::factor]
    return out


def unpack_2020(x: Tensor, factor: int = 8) -> Tensor:
    """Apply the one-liner of the 2020 README: equal to `unpack` for one image, an error for more.

    Args:
        x: (1, 3*factor**2, H, W).
        factor: side of a block.

    Returns:
        (1, 3, H*factor, W*factor).

    Raises:
        RuntimeError: as published, for a batch of two or more, because it asks for one image back.

    """
    _, _, rows, columns = x.shape
    return _folded_into_rows(x, factor).reshape(1, 3, rows * factor, columns * factor)


def unpack_2020_batched(x: Tensor, factor: int = 8) -> Tensor:
    """Apply the 2020 one-liner to a batch: correct for one image, but it mixes the images of a larger batch.

    The block's rows were folded into the batch axis and end up as rows of the image, so that an image's
    rows are taken from all images of the batch in turn. Experiments on the old UnPack use this form.

    Args:
        x: (B, 3*factor**2, H, W).
        factor: side of a block.

    Returns:
        (B, 3, H*factor, W*factor).

    """
    _, _, rows, columns = x.shape
    return _folded_into_rows(x, factor).reshape(-1, 3, rows * factor, columns * factor)


def _folded_into_rows(x: Tensor, factor: int) -> Tensor:
    _, _, rows, columns = x.shape
    return x.reshape(-1, factor, 3, rows, columns).permute(2, 3, 0, 4, 1)


def _check(x: Tensor, factor: int) -> None:
    if factor < 1:
        raise UsageError(f"a packing factor must be at least 1, got {factor}")
    if x.dim() != 4:
        raise UsageError(f"packing needs a tensor of shape (B, C, H, W), got {tuple(x.shape)}")


def _check_channels(x: Tensor, factor: int) -> None:
    if x.shape[1] % factor**2:
        raise UsageError(
            f"unpack by {factor} needs channels that are a multiple of {factor**2}, got {tuple(x.shape)}"
        )
