#!/usr/bin/env bash
# Resolve every dependency, for every platform, into constraints.txt: names and versions, no address.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
.venv/bin/python - <<'PY' | $uv pip compile --universal --python-version 3.11 --upgrade --no-emit-index-url --no-annotate --no-header -q - -o constraints.txt
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
lists = [project["project"]["dependencies"], project["build-system"]["requires"]]
lists += [*project["dependency-groups"].values(), *project["project"]["optional-dependencies"].values()]
print("\n".join(sorted({line for lines in lists for line in lines})))
PY
echo "constraints.txt: $(wc -l < constraints.txt) packages"
