"""Methods that do for real what a benchmark has to survive; named as misbehaving:factory."""

import os
import signal
import subprocess
import sys
import threading
import time

import torch
from torch import nn

# How long each rest of this process really was, in seconds.
RESTS = []


class Good(nn.Module):
    """Shows the mosaic as grey, after a known rest and while touching a known number of bytes."""

    needs_gain = True

    def __init__(self, rest_s: float = 0.0, touched: int = 0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.rest_s = rest_s
        self.touched = touched

    def forward(self, mosaic):
        if self.touched:
            held = torch.ones(self.touched, dtype=torch.uint8)
            time.sleep(0.05)
            del held
        start = time.perf_counter()
        time.sleep(self.rest_s)
        RESTS.append(time.perf_counter() - start)
        return (mosaic * self.scale).expand(-1, 3, -1, -1)


class Misbehaving(Good):
    """Does something else in the place of restoring."""

    def __init__(self, deed) -> None:
        super().__init__()
        self.deed = deed

    def forward(self, mosaic):
        result = self.deed(mosaic)
        return super().forward(mosaic) if result is None else result


def allocates(_):
    hoard = []
    while True:
        hoard.append(torch.ones(50_000_000, dtype=torch.uint8))


def kills_itself(_):
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def prints_garbage(_):
    os.write(1, b'\x00\xff{"event": "done", "index": 0}\n' * 20_000)
    print("garbage " * 1000)
    sys.stderr.write("\u2028 more garbage")


def leaves_children(_):
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(sleep)
    subprocess.Popen(sleep, start_new_session=True)
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    threading.Thread(target=time.sleep, args=(600,)).start()


def ignores_terminate(_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)


def raises(_):
    raise ValueError("the method's own words")


class Moody(Good):
    """Restores some images, and kills its process on the next."""

    def __init__(self, most) -> None:
        super().__init__()
        self.calls = 0
        self.most = most

    def forward(self, mosaic):
        self.calls += 1
        if self.calls > self.most:
            kills_itself(mosaic)
        return super().forward(mosaic)


def moody():
    return Moody(1)


def tiring():
    """Lasts through the cold call and the warm-up (ten calls at most), but not through its turns."""
    return Moody(40)


def good():
    return Good()


def rests():
    return Good(rest_s=0.2)


def touches():
    return Good(touched=300_000_000)


def hungry():
    return Misbehaving(allocates)


def sleeper():
    return Misbehaving(lambda _: time.sleep(600))


def segfaulting():
    return Misbehaving(kills_itself)


def exiting():
    return Misbehaving(lambda _: os._exit(3))


def leaving():
    return Misbehaving(lambda _: sys.exit(4))


def not_a_number():
    return Misbehaving(lambda mosaic: mosaic.expand(-1, 3, -1, -1) * float("nan"))


def misshapen():
    return Misbehaving(lambda mosaic: mosaic[..., ::2].expand(-1, 3, -1, -1))


def noisy():
    return Misbehaving(prints_garbage)


def parent():
    return Misbehaving(leaves_children)


def brooding():
    """Leaves children, some of them in sessions of their own, and never returns."""
    return Misbehaving(lambda mosaic: (leaves_children(mosaic), time.sleep(600)))


def stubborn():
    return Misbehaving(ignores_terminate)


def raising():
    return Misbehaving(raises)
