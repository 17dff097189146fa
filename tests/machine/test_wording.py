import pytest

from bench.machine.wording import plural


@pytest.mark.parametrize(
    ("number", "nouns", "said"),
    [
        (0, ["image"], "0 images"),
        (1, ["image"], "1 image"),
        (2, ["image"], "2 images"),
        (1, ["process", "processes"], "1 process"),
        (3, ["process", "processes"], "3 processes"),
    ],
)
def test_a_number_and_its_noun_agree(number, nouns, said):
    assert plural(number, *nouns) == said
