#!/usr/bin/env bash
# Every test, in a copy of this commit, with the oldest libraries that pyproject.toml allows; the tests' tools are the current ones.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$PWD/.venv/bin/uv source=$PWD copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy"
cd "$copy"
$uv venv --quiet --seed --python "$source/.venv/bin/python" .venv
$uv pip install --quiet --resolution lowest-direct --editable '.[postgres,lambda,editor,channels,mcp]'
$uv pip freeze --exclude-editable >"$copy/.venv/oldest"
$uv pip install --quiet --group dev --constraint "$copy/.venv/oldest"
touch .venv/.installed .venv/.installed-dev
make --no-print-directory test ARGS="$*"
