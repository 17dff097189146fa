import pytest

from baselines.lime.algorithm import Lime
from baselines.robust_retinex.algorithm import RobustRetinex
from bench.show.tables.option_words import options_in_words


def test_options_of_the_classical_methods_are_told_in_words():
    assert options_in_words(repr(Lime())).startswith(
        "alpha 0.15, sigma 2, epsilon 0.001, gamma 0.8, solver fast"
    )
    told = options_in_words(repr(RobustRetinex()))
    assert told.startswith("beta 0.01, omega 0.01, delta 10")
    assert told.endswith("gamma 2.2")
    assert "(" not in told + options_in_words(repr(Lime()))


@pytest.mark.parametrize(("call", "told"), [("Mine()", "none"), ("<object>", "<object>"), ("3", "3")])
def test_a_method_of_ones_own_may_tell_anything(call, told):
    assert options_in_words(call) == told
