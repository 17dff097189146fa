"""The numbers that make up a material, and the names of the kinds of material."""

from __future__ import annotations

# Names of the kinds; a material's first number is its place here.
KINDS = (
    "plain", "brick", "planks", "asphalt", "tiles", "leaves", "clutter", "sign", "windows", "stripes",
    "books", "carton", "lamp", "wire", "poster",
)  # fmt: skip

(PLAIN, BRICK, PLANKS, ASPHALT, TILES, LEAVES, CLUTTER, SIGN, WINDOWS, STRIPES, BOOKS, CARTON, LAMP, WIRE,
 POSTER) = range(len(KINDS))  # fmt: skip

# Columns of a material: kind, two colours, size of its pattern in metres, contrast of its variation, seed,
# radiance of its own light, strength of highlights, four numbers with a meaning per kind, and how much of a
# lamp's light it keeps from what lies behind.
COLUMNS = (
    "kind", "a_red", "a_green", "a_blue", "b_red", "b_green", "b_blue", "scale", "contrast", "seed", "glow",
    "gloss", "p", "q", "r", "s", "opacity",
)  # fmt: skip

SCALE, CONTRAST, SEED, GLOW, GLOSS, P, Q, R, S, OPACITY = range(7, len(COLUMNS))
