"""Benches of the build."""

import os

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
