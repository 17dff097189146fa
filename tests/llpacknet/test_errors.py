"""Whoever calls the package can tell whether call, data or machine is to be changed."""

import pytest
import torch

from llpacknet.errors import DataError, DeviceError, InputError, UnsupportedError, UsageError
from llpacknet.packing import pack
from llpacknet.raw.read import read_raw


def test_a_wrong_argument_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(UsageError):
        pack(torch.zeros(1, 1, 3, 4), 2)
    with pytest.raises(DataError):
        read_raw(tmp_path / "absent.ARW")


def test_all_are_caught_as_input_errors():
    assert all(issubclass(one, InputError) for one in (UsageError, DataError, DeviceError))
    assert issubclass(UnsupportedError, DeviceError)
