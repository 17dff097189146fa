"""Raw files: the frame, its reader, its writer, LibRaw's rendering. The package's edge: no torch here."""
