from collections import Counter
from itertools import pairwise, permutations

from bench.gate.sequence import _orders


def test_no_seat_follows_itself_and_each_follows_each_other_equally_often():
    labels = ("base", "twin", "head")
    turns = [label for _ in range(5) for order in _orders(labels) for label in order]
    follows = Counter(pairwise([*turns, turns[0]]))
    assert follows == dict.fromkeys(permutations(labels, 2), 5)
