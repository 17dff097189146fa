"""The forms of UnPack, measured by a worker on a small image."""

import pytest

from bench.measure import kernel_rounds, kernels
from bench.records import store
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request
from llpacknet.errors import InputError


def test_a_worker_times_every_form_and_finds_the_same_image(tmp_path):
    summary = execute(
        plan(Request(["llpacknet", "red"], ["kernels"], size=(64, 96), threads=1, rounds=2)), tmp_path
    )
    assert summary.counts == {"ok": 1}
    (record,) = store.load(tmp_path)
    seconds = record.values["seconds"]
    assert set(seconds) == set(kernel_rounds.TIMED)
    assert {len(times) for times in seconds.values()} == {2} == {record.values["processes"]}
    assert set(record.values["largest_difference"].values()) == {0.0}
    assert {"unpack_2020", "unpack", "unpack_kept", "pack"} < set(record.values["largest_difference"])
    peaks = record.values["peaks"]
    assert {"product_flops", "numpy_product_flops", "inner_product_flops", "copy_bytes"} < set(peaks)
    assert all(min(rates) > 1e8 for rates in peaks.values())
    assert min(peaks["copy_bytes"]) > 1e8


def test_only_the_forms_of_2020_fail_at_a_batch_of_two():
    batch = kernels.of_a_batch(kernel_rounds.noise(kernels.BATCH, kernels.SMALL, kernels.SMALL))
    assert "invalid for input of size" in batch["unpack_2020"]["error"]
    assert batch["unpack_2020_batched"]["mixed"]
    assert batch["unpack_2020_batched"]["largest_difference"] > 1
    for right in ("unpack", "pixelshuffle_permuted"):
        assert batch[right] == {"largest_difference": 0.0, "mixed": False}


def test_an_image_that_differs_in_one_bit_differs():
    channels = kernel_rounds.noise(1, 2, 2)
    image = kernels.unpack(channels, 8)
    other = image.clone()
    other.view(-1)[0] = other.view(-1)[0].nextafter(other.new_tensor(9.0))
    assert kernels._difference(other, image) > 0
    assert kernels._difference(-image * 0, image * 0) > 0


def test_a_process_that_times_the_forms_and_fails_says_why():
    with pytest.raises(RuntimeError, match=r"times UnPack ended with 1: .*nowhere"):
        kernel_rounds.in_processes(64, 96, "nowhere", 1, 1)


def test_the_forms_that_keep_their_memory_give_the_image_of_the_loop_at_any_size():
    given = kernel_rounds.tensors(50, 70, "cpu")
    assert given.kept.shape == (1, 3, 64, 80)
    assert given.planes.shape == (4, 1, 32, 40)
    assert set(kernels.from_the_loop(given).values()) == {0.0}


def test_kernels_alone_of_another_method_are_refused():
    with pytest.raises(InputError, match="add it to --models"):
        plan(Request(["red"], ["kernels"]))
