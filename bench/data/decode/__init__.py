"""From raw files to mosaics and rendered truths, safely and only once."""
