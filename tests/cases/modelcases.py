"""Writes files with networks as people have them: python modelcases.py FOLDER.

They are named `--model FILE:factory` from that folder; the factory is `build` where nothing else is said.

    models_trial              factories good; prints (when built and in every pass); raises; exits; needs_args
    models_argparse           parses the command line as it is imported, as many repositories' option files do
    models_argparse_required  the same, with an argument that must be given
    models_noise              prints at import, a JSON line too, warns, and changes to the parent folder
    models_syntax             cannot be compiled
"""

from __future__ import annotations

import sys
from pathlib import Path

FILES = {
    "models_trial": """
import sys
import torch
import torch.nn.functional as F
from torch import nn

class Good(nn.Module):
    needs_gain = True
    input_clip = None
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(4, 12, 3, padding=1)
    def forward(self, mosaic):
        return torch.sigmoid(F.pixel_shuffle(self.body(F.pixel_unshuffle(mosaic, 2)), 2))

class Talks(Good):
    def forward(self, mosaic):
        print("shape", tuple(mosaic.shape))
        print('{"status": "ok"}')
        return super().forward(mosaic)

def good():
    return Good()

def prints():
    print("building ...")
    return Talks()

def raises():
    raise RuntimeError("CUDA error: no kernel image is available\\nfor execution on the device")

def exits():
    sys.exit("please set --data_dir")

def needs_args(opt):
    return Good()
""",
    "models_argparse": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--ckpt", default="x.pth")
args = parser.parse_args()
from models_trial import good as build
""",
    "models_argparse_required": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--data_dir", required=True)
opt = parser.parse_args()
from models_trial import good as build
""",
    "models_noise": """
import os, sys, warnings
from models_trial import good as build
print("=> loading config")
print('{"status": "ok", "value": 1}')
sys.stderr.write("W warning on stderr\\n")
warnings.warn("old API")
os.chdir("..")
""",
    "models_syntax": """
def build(:
""",
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text.lstrip())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
