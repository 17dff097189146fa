"""The seats of one set have as many turns of as many calls as each other."""

from time import sleep

from bench.gate.sequence import FEWEST, LONGEST_TURN_S, MOST, TURN_S, Cadence


def turns_of(cadence, seats):
    """Give how many turns each seat takes that asks one after the other, as the engine does."""
    taken = [0] * seats
    left = [seat for seat in range(seats) if cadence.goes_on(taken[seat])]
    while left:
        for seat in left:
            taken[seat] += 1
        left = [seat for seat in left if cadence.goes_on(taken[seat])]
    return taken


def test_each_seat_has_as_many_turns_and_an_even_number():
    for seconds in (0, 0.005, 3600):
        (count,) = set(turns_of(Cadence(seconds), 3))
        assert count % 2 == 0
        assert FEWEST <= count <= MOST
    assert turns_of(Cadence(3600), 3) == [MOST] * 3
    assert turns_of(Cadence(0), 3) == [FEWEST] * 3


def test_seats_that_take_long_to_start_have_as_many_turns():
    cadence = Cadence(0.2)
    sleep(0.3)
    (count,) = set(turns_of(cadence, 3))
    assert count > FEWEST
    assert cadence.spent_s > 0


def test_short_calls_fill_a_turn_and_long_ones_are_made_once():
    cadence = Cadence(1)
    cadence.saw(TURN_S / 4)
    cadence.saw(TURN_S / 2)
    assert cadence.calls == 4
    long = Cadence(1)
    long.saw(TURN_S * 20)
    assert long.calls == 1


def test_a_seat_that_is_much_slower_than_another_does_not_make_its_turns_as_much_longer():
    cadence = Cadence(1)
    cadence.saw(TURN_S / 500)
    assert cadence.calls == 500
    cadence.saw(TURN_S / 2)
    assert cadence.calls * TURN_S / 2 == LONGEST_TURN_S
