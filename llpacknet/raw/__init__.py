"""Raw files: the frame, its reader, its writer and LibRaw's rendering. The edge of the package: no torch here."""
