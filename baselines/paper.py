"""Facts of the paper that the suite is built around (LLPackNet, BMVC 2020), each stated once."""

from __future__ import annotations

# Pixels of a raw frame of SID's Sony A7S II, at which the paper times its methods (Table 1).
FULL_HEIGHT, FULL_WIDTH = 2848, 4256
FULL_SIZE = (FULL_HEIGHT, FULL_WIDTH)
