"""Writes one dark scene as small DNG files that ought to be restored alike.

The scene: 256x384 RGGB, a grey ramp with two coloured patches, at the level of a night exposure.

    plain                the reference: 16 bits, black 512, white 16383, AsShotNeutral
    white_xy             the same light, given as AsShotWhiteXY only
    phone_plain          plain, with another camera's ColorMatrix1
    phone_white_xy       the same, with AsShotWhiteXY only
    black_2x2            a black level of its own for each place of the 2x2 pattern
    black_delta_v        all of the black in BlackLevelDeltaV, constant
    black_delta_h        all of the black in BlackLevelDeltaH, constant
    black_fraction       a black level of 512.4, as a rational
    black_delta_v_ramp   BlackLevelDeltaV that rises from 480 to 544 over the rows
    table_8bit           8 bits behind a LinearizationTable
    packed_12            12 bits packed, black 128, white 4095
    bits_10_in_16        10 bits in 16, black 64, white 1023
    float32              32-bit floating point, 0 to 1
    linear_rgb           already demosaicked, LinearRaw
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 256, 384
BLACK, WHITE = 512, 16383
NEUTRAL = (1 / 2.09, 1.0, 1 / 2.43)
MATRIX = (0.5838, -0.1430, -0.0246, -0.3497, 1.1477, 0.2297, -0.0748, 0.1885, 0.5778)
PHONE = (0.9, -0.35, -0.05, -0.42, 1.25, 0.18, -0.05, 0.17, 0.55)
CFA, LINEAR_RAW = 32803, 34892
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
FORMATS = {BYTE: "B", SHORT: "H", LONG: "I"}


def scene() -> np.ndarray:
    """(256, 384) linear signal of an RGGB mosaic before the black level, 0 to 1."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
    level = 0.0015 + 0.006 * x + 0.004 * (np.sin(20 * y) > 0)
    rgb = np.stack([level * n for n in NEUTRAL], -1)  # grey under the recorded white
    rgb[HEIGHT // 8 : HEIGHT // 4, WIDTH // 8 : WIDTH // 4] *= (1.8, 0.5, 0.5)
    rgb[HEIGHT // 2 : HEIGHT * 3 // 4, WIDTH // 2 : WIDTH * 3 // 4] *= (0.5, 1.3, 0.6)
    mosaic = rgb[..., 1].copy()
    mosaic[0::2, 0::2] = rgb[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = rgb[1::2, 1::2, 2]
    noise = np.random.default_rng(1).normal(0, 3 / (WHITE - BLACK), mosaic.shape)
    return np.clip(mosaic + noise, 0, 1)


def samples(signal: np.ndarray, black=BLACK, white: int = WHITE) -> np.ndarray:
    """Sensor values of a signal as little-endian uint16; `black` is a number or an array.

    DNG scales by the distance of white from the highest black level, whatever the place.
    """
    return np.clip(np.rint(signal * (white - np.max(black)) + black), 0, 65535).astype("<u2")


def chromaticity(matrix: tuple[float, ...], neutral: tuple[float, ...]) -> tuple[float, float]:
    """x and y of the white for which a camera with this XYZ-to-camera matrix records `neutral`."""
    xyz = np.linalg.solve(np.reshape(matrix, (3, 3)), np.array(neutral))
    return float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum())


def pack12(values: np.ndarray) -> bytes:
    """12-bit values in 3 bytes a pair, most significant bit first as DNG wants it."""
    first, second = values[:, 0::2].astype(np.uint16), values[:, 1::2].astype(np.uint16)
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    return packed.astype(np.uint8).tobytes()


def encode(kind: int, values) -> tuple[int, bytes]:
    """Count and bytes of a TIFF entry's values."""
    if kind == ASCII:
        text = values.encode() + b"\0"
        return len(text), text
    if kind in (RATIONAL, SRATIONAL):
        form = "<II" if kind == RATIONAL else "<ii"
        return len(values), b"".join(struct.pack(form, round(v * 1_000_000), 1_000_000) for v in values)
    return len(values), struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)


def write(
    path: Path,
    data: bytes,
    *,
    bits=16,
    black=(BLACK,),
    black_kind=LONG,
    repeat=(1, 1),
    white=WHITE,
    neutral=NEUTRAL,
    xy=None,
    matrix=MATRIX,
    table=None,
    delta_v=None,
    delta_h=None,
    photometric=CFA,
    samples_per_pixel=1,
    floating=False,
) -> None:
    """Write one uncompressed strip behind a DNG header."""
    n = samples_per_pixel
    tags = {
        254: (LONG, (0,)),  # NewSubfileType
        256: (LONG, (WIDTH,)),  # ImageWidth
        257: (LONG, (HEIGHT,)),  # ImageLength
        258: (SHORT, (bits,) * n),  # BitsPerSample
        259: (SHORT, (1,)),  # Compression
        262: (SHORT, (photometric,)),  # PhotometricInterpretation
        271: (ASCII, "Trial"),  # Make
        272: (ASCII, "Trial Camera"),  # Model
        273: (LONG, (0,)),  # StripOffsets, filled in below
        274: (SHORT, (1,)),  # Orientation
        277: (SHORT, (n,)),  # SamplesPerPixel
        278: (LONG, (HEIGHT,)),  # RowsPerStrip
        279: (LONG, (len(data),)),  # StripByteCounts
        284: (SHORT, (1,)),  # PlanarConfiguration
        50706: (BYTE, (1, 4, 0, 0)),  # DNGVersion
        50707: (BYTE, (1, 1, 0, 0)),  # DNGBackwardVersion
        50708: (ASCII, "Trial Camera"),  # UniqueCameraModel
        50713: (SHORT, repeat),  # BlackLevelRepeatDim
        50714: (black_kind, black),  # BlackLevel
        50717: (LONG, (white,) * n),  # WhiteLevel
        50721: (SRATIONAL, matrix),  # ColorMatrix1
        50778: (SHORT, (21,)),  # CalibrationIlluminant1
    }
    if photometric == CFA:
        tags |= {
            33421: (SHORT, (2, 2)),  # CFARepeatPatternDim
            33422: (BYTE, (0, 1, 1, 2)),  # CFAPattern
            50710: (BYTE, (0, 1, 2)),  # CFAPlaneColor
            50711: (SHORT, (1,)),  # CFALayout
        }
    if floating:
        tags[339] = (SHORT, (3,) * n)  # SampleFormat
    for tag, kind, values in (
        (50712, SHORT, table),  # LinearizationTable
        (50715, SRATIONAL, delta_h),  # BlackLevelDeltaH
        (50716, SRATIONAL, delta_v),  # BlackLevelDeltaV
        (50728, RATIONAL, neutral),  # AsShotNeutral
        (50729, RATIONAL, xy),  # AsShotWhiteXY
    ):
        if values is not None:
            tags[tag] = (kind, values)
    after = 8 + 2 + 12 * len(tags) + 4
    long_values = sum(len(raw) + len(raw) % 2 for _, raw in (encode(*tags[t]) for t in tags) if len(raw) > 4)
    tags[273] = (LONG, (after + long_values,))
    entries, blobs = b"", b""
    for tag in sorted(tags):
        kind, values = tags[tag]
        count, raw = encode(kind, values)
        if len(raw) > 4:
            place = struct.pack("<I", after + len(blobs))
            blobs += raw + b"\0" * (len(raw) % 2)
        else:
            place = raw.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, count) + place
    path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + b"\0\0\0\0" + blobs + data)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    signal = scene()
    plain = samples(signal).tobytes()

    def dng(name: str, data: bytes, **header) -> None:
        write(folder / f"{name}.dng", data, **header)

    dng("plain", plain)
    dng("white_xy", plain, neutral=None, xy=chromaticity(MATRIX, NEUTRAL))
    dng("phone_plain", plain, matrix=PHONE)
    dng("phone_white_xy", plain, matrix=PHONE, neutral=None, xy=chromaticity(PHONE, NEUTRAL))

    places = np.tile([[500, 510], [520, 530]], (HEIGHT // 2, WIDTH // 2))
    dng("black_2x2", samples(signal, places).tobytes(), black=(500, 510, 520, 530), repeat=(2, 2))
    dng("black_delta_v", plain, black=(0,), delta_v=(float(BLACK),) * HEIGHT)
    dng("black_delta_h", plain, black=(0,), delta_h=(float(BLACK),) * WIDTH)
    dng(
        "black_fraction",
        samples(signal, 512.4).tobytes(),
        black=(512.4,) * 4,
        repeat=(2, 2),
        black_kind=RATIONAL,
    )
    rows = np.linspace(480, 544, HEIGHT)
    dng("black_delta_v_ramp", samples(signal, rows[:, None]).tobytes(), black=(0,), delta_v=tuple(rows))

    table = np.rint((np.arange(256) / 255) ** 2 * (WHITE - BLACK) + BLACK).astype(int).tolist()
    dng("table_8bit", np.rint(np.sqrt(signal) * 255).astype(np.uint8).tobytes(), bits=8, table=table)
    dng("packed_12", pack12(samples(signal, 128, 4095)), bits=12, black=(128,), white=4095)
    dng("bits_10_in_16", samples(signal, 64, 1023).tobytes(), black=(64,), white=1023)
    dng("float32", signal.astype("<f4").tobytes(), bits=32, black=(0,), white=1, floating=True)
    rgb = np.repeat(samples(signal)[..., None], 3, -1)
    dng("linear_rgb", rgb.tobytes(), photometric=LINEAR_RAW, samples_per_pixel=3, black=(BLACK,) * 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
