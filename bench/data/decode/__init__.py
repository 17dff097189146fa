"""Raw files to mosaics and rendered truths, safely and once."""
