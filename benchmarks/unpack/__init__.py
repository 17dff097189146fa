"""The experiment on UnPack: whether its form of 2020 breaks training, and whether it beats PixelShuffle.

`python -m benchmarks.unpack --help` runs it; `arms` says what is compared, `running` trains, `judging` and
`showing` turn the results into differences, a table and a figure.
"""
