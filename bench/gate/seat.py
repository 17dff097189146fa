"""A seat: a process that has one revision imported and warm, and computes only when it is told to.

Started by `bench.gate.seats`; answers requests that come as lines of JSON over a socket. Importing torch
takes longer than what is measured, so that a *nursery* imports it once and forks a fresh seat for each
request; the seat then imports the revision's code, builds its method and warms up by itself. A fork inherits
the nursery's address space, and with it its memory layout: each seat first reserves a random number of
pages, so that the layout varies as it would between fresh interpreters.

Until a seat has put its revision's folders first on the import path, nothing of the project but `bench` may
be imported: `bench` is the instrument and the same for both; everything else is what is compared.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import mmap
import os
import random
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure.subjects import Subject
    from bench.records.cells import Cell

PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
SMALL_BLOCK = 1 << 16
# The nursery tells the id of a seat's process in so many bytes.
PID_BYTES = 8
# What every seat needs of others' libraries before anything of it is measured: half of the time it opens in.
SHARED = ("numpy", "torch", "filelock", "imagecodecs", "jsonschema", "platformdirs", "psutil", "rawpy",
          "safetensors.torch", "tifffile")  # fmt: skip
# Up to so many pages are reserved: 4 MB, twice a huge page.
MOST_PAGES = 1024
Request = dict[str, Any]
Answer = dict[str, Any]


def main() -> None:
    """Serve a socket: `python -m bench.gate.seat KIND DESCRIPTOR FOLDER`.

    KIND is the nursery of seats, or one seat; FOLDER takes what they compile.
    """
    faulthandler.enable()
    kind, descriptor, compiled = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    # A user's module may parse the command line when it is imported: it finds no words of ours.
    del sys.argv[1:]
    line = socket.socket(fileno=descriptor)
    for library in SHARED:
        importlib.import_module(library)
    # What comes now is compiled once for all seats of a run, and nothing of that is left beside the sources.
    sys.pycache_prefix, sys.dont_write_bytecode = compiled, False
    if kind == "nursery":
        _nurse(line)
    else:
        _serve(line)


def _nurse(line: socket.socket) -> None:
    """Fork a seat for every descriptor that arrives, until the other end is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # What the libraries made is no seat's garbage: a collection need not walk through it, nor copy its pages.
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not message:
            # Whoever asked for seats is gone, however that ended: none is left to compute for nobody.
            os.killpg(0, signal.SIGKILL)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            line.close()
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            _serve(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])
        line.sendall(pid.to_bytes(PID_BYTES, sys.byteorder))


def _serve(line: socket.socket) -> None:
    """Answer requests until the other end is closed; if a method ends the process, the seat is lost."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    reserved = mmap.mmap(-1, mmap.PAGESIZE * random.SystemRandom().randint(1, MOST_PAGES))
    seat: ReadyMethod | None = None
    with line.makefile("rw", encoding="utf-8") as stream:
        for text in stream:
            request = json.loads(text)
            if seat is None:
                _place(request)
            from bench.measure.failures import attempt

            def act(request: Request = request) -> Answer:
                nonlocal seat
                if seat is None:
                    lacking = missing(request["cell"]["model"], request["paths"])
                    if lacking:
                        return lacking
                    seat = ReadyMethod.take(request)
                    return seat.opened
                return seat.answer(request)

            outcome = attempt(act)
            answer = {"status": outcome.status, "reason": outcome.reason, "value": outcome.value}
            stream.write(json.dumps(answer, allow_nan=False) + "\n")
            stream.flush()
    reserved.close()
    sys.stderr.flush()
    os._exit(0)


def _place(request: Request) -> None:
    """Look for the revision's code before any other; nothing of it may have been imported by now."""
    early = sorted({"llpacknet", "baselines"} & set(sys.modules))
    assert not early, f"{early} imported before the revision is known"
    sys.path[:0] = request["paths"]
    os.chdir(request["folder"])


@dataclass
class ReadyMethod:
    """One revision's method, ready for its turns."""

    call: Callable[[], float]
    opened: Answer
    request: Request
    subject: Subject | None = None

    @classmethod
    def take(cls, request: Request) -> ReadyMethod:
        """Import the revision, build the method, make the cold call and look at its output."""
        from bench.machine.affinity import pin
        from bench.measure.worker import set_numerics
        from bench.records.cells import REFERENCE, Cell

        pin(request["threads"])
        set_numerics(request["threads"])
        if request["for_memory"]:
            map_every_block()
        cell = Cell(**request["cell"])
        if cell.model == REFERENCE:
            return cls._reference(cell, request)
        return cls._of_revision(cell, request)

    @classmethod
    def _of_revision(cls, cell: Cell, request: Request) -> ReadyMethod:
        from bench.machine.environment import worker_settings
        from bench.measure import subjects
        from bench.measure.inputs import MADE_UP_RATIO, made_up_frame
        from bench.measure.latency import Timer, timed_with_memory
        from bench.measure.memory import Ledger
        from bench.run.span import weights_choice

        assert cell.height is not None
        assert cell.width is not None
        frame = made_up_frame(cell.height, cell.width)
        # Which weights a revision ships is its own affair.
        given = request["weights"]
        weights = weights_choice(cell.model, {}) if given == "shipped" else given
        if request["for_memory"]:
            # Code is paged in by its first use, some megabytes that are not the method's: let another use it.
            first = subjects.build(cell, weights)
            first.forward(first.place(frame, MADE_UP_RATIO, first.conventions.input_clip))
            del first
        ledger = Ledger()
        subject = ledger.load(lambda: subjects.build(cell, weights))
        _refuse_strangers(cell.model, request["paths"])
        placed = subject.place(frame, MADE_UP_RATIO, subject.conventions.input_clip)
        timer = Timer(subject)
        cold, output = timed_with_memory(timer, placed, ledger)
        subject.check(output, cell.height, cell.width)
        del output
        _refuse_the_working_tree(request)
        opened = {"cold_s": cold, "memory": ledger.values(), "environment": worker_settings()}
        opened["weights_sha256"] = weights_sha256(cell.model, weights)
        return cls(lambda: timer(placed)[0], opened, request, subject)

    @classmethod
    def _reference(cls, cell: Cell, request: Request) -> ReadyMethod:
        from bench.machine.environment import worker_settings
        from bench.measure import reference

        assert cell.height is not None
        assert cell.width is not None
        assert cell.device is not None
        work = reference.build(cell.height, cell.width, cell.device)

        def call() -> float:
            start = time.perf_counter()
            work().item()
            return time.perf_counter() - start

        opened = {"cold_s": call(), "memory": None, "environment": worker_settings()}
        return cls(call, {**opened, "weights_sha256": None}, request)

    def answer(self, request: Request) -> Answer:
        """Handle a request: take a turn, count, or restore the scenes."""
        return {"turn": self.turn, "count": self.count, "restore": self.restore}[request["do"]](request)

    def turn(self, request: Request) -> Answer:
        """Make some calls in a row; seconds of each."""
        return {"samples_s": [self.call() for _ in range(request["calls"])]}

    def count(self, request: Request) -> Answer:
        """Parameters and GMAC of the revision's method, and whether it meets its golden output."""
        from bench.measure import complexity
        from bench.measure.failures import WrongOutputError
        from bench.measure.golden import GOLDEN, check_golden
        from bench.records.cells import Cell

        counted = complexity.values(Cell(**request["cell"]))
        form = Cell(**self.request["cell"])
        golden = "met" if form.model in GOLDEN else None
        try:
            check_golden(form)
        except WrongOutputError as error:
            golden = str(error)
        return {**counted, "golden": golden}

    def restore(self, request: Request) -> Answer:
        """Restore a scene and keep the image; what it scores against the truth."""
        from bench.gate.fixed_scenes import restored

        assert self.subject is not None
        return restored(self.subject, request)


def map_every_block() -> None:
    """Return freed memory at once, so that resident memory is memory in use (glibc only).

    From some size on every block becomes a mapping of its own, so that a peak does not depend on what was
    freed before. For time, the thresholds of `bench.run.process.STEADY_ALLOCATOR` are inherited instead.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, SMALL_BLOCK)
        mallopt(M_TRIM_THRESHOLD, SMALL_BLOCK)


def missing(model: str, paths: list[str]) -> Answer | None:
    """Say whether a revision lacks a method's module or its factory; None if it has both."""
    import baselines
    from bench.machine.environment import scrub
    from bench.records.cells import REFERENCE
    from llpacknet.errors import InputError

    if model == REFERENCE:
        return None
    try:
        factory = baselines.spec(model).factory
    except InputError as error:
        return {"lacks": "module", "reason": scrub(str(error))}
    module, _, name = factory.partition(":")
    places = [Path(path).joinpath(*module.split(".")) for path in paths]
    has_package = any((Path(path) / module.partition(".")[0]).exists() for path in paths)
    if (":" in model or has_package) and not any(map(_is_module, places)):
        return {"lacks": "module", "reason": f"this revision has no {module}"}
    try:
        found = importlib.import_module(module)
    except BaseException:  # noqa: BLE001 -- building it tells what is wrong with it
        return None
    return None if hasattr(found, name) else {"lacks": "factory", "reason": f"{module} has no {name!r} here"}


def _is_module(place: Path) -> bool:
    return place.is_dir() or any(place.parent.glob(f"{place.name}.*"))


def _refuse_strangers(model: str, paths: list[str]) -> None:
    """Refuse a method that was found elsewhere although the revision has one."""
    import baselines
    from llpacknet.errors import InputError

    module = baselines.spec(model).factory.partition(":")[0]
    file = Path(sys.modules[module].__file__ or "").resolve()
    own = any(file.is_relative_to(path) for path in paths)
    has_package = any((Path(path) / module.partition(".")[0]).exists() for path in paths)
    if not own and (":" in model or has_package):
        raise InputError(f"this revision has no {module}: it was imported from somewhere else")


def _refuse_the_working_tree(request: Request) -> None:
    """Refuse a revision that imports what it lacks from the user's own checkout, which is other code."""
    from llpacknet.errors import InputError

    project, folder, suite = Path(request["project"]), Path(request["folder"]), Path(__file__).parents[1]
    if not request["project"]:
        return
    for name, module in sorted(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "/").resolve()
        installed = file.is_relative_to(sys.prefix) or "site-packages" in file.parts
        foreign = file.is_relative_to(project) and not file.is_relative_to(folder)
        if foreign and not installed and not file.is_relative_to(suite):
            raise InputError(f"this revision has no {name}: it was imported from the working tree")


def weights_sha256(model: str, weights: str) -> str | None:
    """Hash of the weights file that a method was built with; None without one, or where a factory decides."""
    import baselines
    from bench.records.provenance import file_sha256

    if weights == "none":
        return None
    path = baselines.weights_path(model) if weights == "shipped" else Path(weights)
    return None if path is None else file_sha256(path)


if __name__ == "__main__":
    main()
