"""The decoding side of the sandbox: a process that reads raw files, within limits that it sets itself.

Protocol: a file name as a JSON string on a line of standard input; on standard output a line of JSON, either
the frame's description (its mosaic is mosaic.npy in the exchange folder) or `{"problem": one line}`.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from llpacknet.errors import InputError, cause
from llpacknet.raw.read import bayer_pattern, frame_of, open_raw

MOSAIC = "mosaic.npy"


def main() -> int:
    """Serve until standard input ends. Arguments: the exchange folder, and the address space in bytes."""
    exchange, memory = Path(sys.argv[1]), int(sys.argv[2])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory)
    for line in sys.stdin:
        print(json.dumps(_decode(Path(json.loads(line)), exchange)), flush=True)
    return 0


def _limit(what: int, value: int) -> None:
    # Some systems (macOS) refuse a limit on the address space; the timeout holds there all the same.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (value, value))


def _decode(path: Path, exchange: Path) -> dict[str, Any]:
    try:
        with open_raw(path) as raw:
            pattern = bayer_pattern(raw, path)
            frame = frame_of(raw, path)
    except InputError as error:
        return {"problem": str(error)}
    except Exception as error:  # noqa: BLE001 -- LibRaw's wrapper may raise anything on a damaged file
        return {"problem": f"{path} cannot be decoded: {cause(error)}"}
    np.save(exchange / MOSAIC, frame.mosaic)
    return {
        "pattern": pattern,
        "black": frame.black.tolist(),
        "white": frame.white,
        "white_balance": frame.white_balance.tolist(),
        "color_matrix": frame.color_matrix.tolist(),
        "xyz_to_camera": frame.xyz_to_camera.tolist(),
        "flip": frame.flip,
        "notes": frame.notes,
        "masked": frame.masked,
    }


if __name__ == "__main__":
    sys.exit(main())
