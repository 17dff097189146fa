"""Figures, as PNG and SVG, or JPEG where they show photographs."""
