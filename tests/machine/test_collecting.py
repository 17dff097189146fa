"""The garbage collector rests within a block and is afterwards as before."""

import gc

import pytest

from bench.machine.collecting import uncollected


def test_garbage_is_not_collected_within_and_is_collected_afterwards():
    def imports():
        assert not gc.isenabled()
        raise ImportError

    with pytest.raises(ImportError), uncollected():
        imports()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled(), "who wants none has none"
    finally:
        gc.enable()
