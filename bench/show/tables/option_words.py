"""The options of a classical method in words, from the constructor call that its cells hold."""

from __future__ import annotations

import ast


def options_in_words(call: str) -> str:
    """Say what a constructor was called with.

    Args:
        call: what `bench.measure.complexity` records: the method's repr, such as "Lime(alpha=0.15)".

    Returns:
        Names and values, such as "alpha 0.15"; what was left unset is not named, and what is not a call is
        returned as it is.
    """
    try:
        parsed = ast.parse(call, mode="eval").body
    except SyntaxError:
        return call
    if not isinstance(parsed, ast.Call):
        return call
    return ", ".join(_pairs(parsed)) or "none"


def _pairs(call: ast.Call) -> list[str]:
    found = []
    for keyword in call.keywords:
        name, value = (keyword.arg or "").replace("_", " "), keyword.value
        if isinstance(value, ast.Call):  # parameters that are kept together
            found += _pairs(value)
        elif isinstance(value, ast.Constant) and value.value is None:
            continue
        else:
            number = isinstance(value, ast.Constant) and isinstance(value.value, float)
            shown = ast.literal_eval(value) if isinstance(value, ast.Constant) else ast.unparse(value)
            found.append(f"{name} {shown:g}" if number else f"{name} {shown}")
    return found
