"""Model of a validated issue, and the loader that creates it from the files of a folder."""
