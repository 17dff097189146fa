"""The conformance test: whether a method follows the calling convention that every measurement relies on.

`runner` starts a process of its own for the method and collects findings; inside it `network` or `classical`
holds the checks. Nothing here measures how well a method restores.
"""
