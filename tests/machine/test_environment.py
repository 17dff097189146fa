"""What is recorded of a machine is complete and names nobody."""

import json
import os
import platform
import sys
from pathlib import Path

import psutil
import pytest
import torch

from baselines import names
from bench.machine import environment
from bench.records import provenance


def test_machine_and_moment_are_plain_json_without_user_host_or_path():
    facts = {**environment.machine(), "now": environment.moment(), "origin": provenance.base()}
    text = json.dumps(facts, allow_nan=False)
    for secret in {platform.node(), str(Path.home()), os.environ.get("USER")} - {
        "",
        None,
        "localhost",
        "root",
    }:
        assert f'"{secret}' not in text
        assert f"/{secret}" not in text
    assert facts["memory"]["total_bytes"] == psutil.virtual_memory().total
    assert facts["python"]["version"] == platform.python_version()
    assert "numpy" in facts["libraries"]


def test_available_memory_and_cores_stay_within_the_machine():
    assert 0 < environment.available_memory() <= psutil.virtual_memory().total
    assert 1 <= environment.usable_cores() <= (os.cpu_count() or 1)


def test_reading_the_machine_imports_no_torch():
    assert "libraw" in provenance.base()
    assert environment.library_versions()["torch"] == provenance.base()["torch"]


def test_what_changes_the_cost_of_fresh_pages_and_of_tiny_numbers_is_recorded():
    settings = environment.worker_settings()
    assert settings["allocator"]
    assert "/" not in settings["allocator"]
    assert {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "THP_MEM_ALLOC_ENABLE"} < set(settings["variables"])
    was = settings["flushes_subnormals"]
    if not torch.set_flush_denormal(not was):
        pytest.skip("this processor cannot flush subnormal numbers")
    try:
        assert environment.worker_settings()["flushes_subnormals"] is not was
    finally:
        torch.set_flush_denormal(was)


def test_the_kernels_choice_of_huge_pages_is_the_word_in_brackets(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "HUGE_PAGES", tmp_path)
    assert environment.huge_pages() is None
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    (tmp_path / "defrag").write_text("always defer defer+madvise [madvise] never\n")
    assert environment.huge_pages() == {"enabled": "madvise", "defrag": "madvise"}


def test_a_log_loses_the_folders_that_name_somebody():
    home, site = Path.home(), Path(sys.prefix)
    text = f'File "{home}/own/net.py" and {site}/lib/nn.py; /srv/someone/raws/10003.DNG is cut: see a/b'
    scrubbed = environment.scrub(text)
    assert str(home) not in scrubbed
    assert str(site) not in scrubbed
    assert "someone" not in scrubbed
    assert "10003.DNG is cut: see a/b" in scrubbed


def test_code_and_weights_are_known_by_content(tmp_path):
    first = tmp_path / "weights"
    first.write_bytes(b"one")
    facts = provenance.weights_facts(first)
    first.write_bytes(b"other")
    assert provenance.weights_facts(first) != facts
    assert provenance.weights_facts(None) == {"weights_sha256": None}
    assert len(provenance.code_sha256()) == 64


def test_weights_of_an_unfinished_training_say_so(tmp_path):
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"weights")
    weights.with_suffix(".json").write_text(json.dumps({"training": {"steps": 9, "unfinished": True}}))
    assert provenance.weights_facts(weights)["weights_unfinished"] is True


def test_the_model_of_a_user_is_known_by_its_file_without_importing_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_model.py").write_text("raise SystemExit")
    found = provenance.model_sha256("own_model:build")
    assert found == provenance.file_sha256(tmp_path / "own_model.py")
    assert "own_model" not in sys.modules


def test_a_users_package_is_known_by_all_its_code_and_weights(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "own_package"
    (package / "weights").mkdir(parents=True)
    seen = set()
    for name in ("__init__.py", "network.py", "layers.py", "weights/net.safetensors", "notes.txt"):
        (package / name).write_text("raise SystemExit")
        seen.add(provenance.model_sha256("own_package.network:build"))
    assert len(seen) == 4  # none without the module; notes change nothing
    assert None in seen
    assert "own_package" not in sys.modules


def test_the_suites_own_methods_are_known_by_the_suites_code():
    assert [provenance.model_sha256(name) for name in names()] == [None] * len(names())


@pytest.mark.skipif(os.name != "posix", reason="the driver's program is stood in for by a shell script")
@pytest.mark.parametrize("cause", ["clocks_event_reasons.active", "clocks_throttle_reasons.active"])
def test_devices_are_read_from_drivers_old_and_new(tmp_path, monkeypatch, cause):
    program = tmp_path / "nvidia-smi"
    row = "NVIDIA H200, 580.159.04, 143771 MiB, 1980 MHz, 1980 MHz, 31, 77.10 W, 0x0000000000000001"
    program.write_text(f'#!/bin/sh\ncase "$1" in *{cause}*) echo "{row}";; *) exit 6;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (device,) = environment.gpus()
    assert device["name"] == "NVIDIA H200"
    assert device["power.draw"] == "77.10 W"
    assert device[cause] == "0x0000000000000001"


@pytest.mark.skipif(os.name != "posix", reason="the driver's program is stood in for by a shell script")
def test_a_driver_that_does_not_answer_names_no_device(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert environment.gpus() == []


@pytest.mark.parametrize(
    ("said", "threads"), [("1", 1), ("1,4", 1), ("100000", None), ("0", 1), ("many", None), ("", None)]
)
def test_the_number_of_threads_that_is_said_to_all_libraries_is_followed(monkeypatch, said, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert environment.wanted_threads() == (threads or environment.usable_cores())
