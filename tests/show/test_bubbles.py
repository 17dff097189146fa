"""The paper's Figure 1 shows every method that was timed, a user's own among them."""

from dataclasses import replace

import pytest
from matplotlib.colors import to_hex

from bench.judge.results import Results
from bench.show.figures import bubbles, style


@pytest.fixture
def own(made_up):
    """LLPackNet's records and, of the same figures, those of a network of a user's own."""
    made = made_up.records(("llpacknet", "red", "gain-only"), images=2)
    theirs = [one for one in made if one.cell.model == "llpacknet"]
    return made + [replace(one, cell=replace(one.cell, model="mine:factory")) for one in theirs]


def drawn(records):
    with style.styled():
        return bubbles.figure1(Results(records))


def test_a_users_own_network_has_a_disc_of_its_own_colour_in_both_panels(own):
    for axes in drawn(own).figure.axes:
        assert "mine:factory" in [text.get_text() for text in axes.texts]
        colours = {}
        for points in axes.collections:
            if len(points.get_facecolor()):
                place = tuple(points.get_offsets()[0])
                colours.setdefault(place, set()).update(map(to_hex, points.get_edgecolor()))
        (both,) = (found for found in colours.values() if "#d55e00" in found)
        assert len(both - {"#222222", "#d55e00"}) == 1, "the same figures as LLPackNet's: on one another"


def test_random_weights_are_named_below_the_figure(own):
    untrained = [
        replace(one, values={**one.values, "random_weights": True})
        if (one.cell.model, one.cell.measurement) == ("mine:factory", "quality")
        else one
        for one in own
    ]
    assert "The weights of mine:factory are random" in drawn(untrained).caption
    assert "random" not in drawn(own).caption


def test_methods_drawn_side_by_side_differ_in_colour_and_mark():
    shown = ["a:one", "b:two", "llpacknet", "red", "sid-unet"]
    looks = [style.look(model, shown) for model in shown]
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == len(shown)


def test_a_users_own_method_looks_the_same_whichever_of_the_papers_methods_stand_beside_it():
    paper = [
        "did",
        "gain-only",
        "lime",
        "llpacknet",
        "llpacknet-2020",
        "red",
        "robust-retinex",
        "sgn",
        "sid-unet",
    ]
    assert style.look("mine", ["mine", *paper]) == style.look("mine", ["mine", "llpacknet"])
