#!/usr/bin/env bash
# Install, publish, publish again under every Python >= 3.11 of this machine, each in a clone of its own.
set -euo pipefail
source=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seen=" "
for name in /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
  python=$(command -v "$name") || continue
  # A version manager's stand-in may name a Python that is not there.
  version=$("$python" -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.version.split()[0])' 2>/dev/null) || continue
  case "$seen" in *" $version "*) continue ;; esac
  seen="$seen$version "
  echo "Python $version: install, publish, publish again …"
  git clone --quiet "$source" "$work/$version"
  cd "$work/$version"
  env -u PYTHONPATH make --no-print-directory publish PYTHON="$python" >"$work/log" 2>&1 || { cat "$work/log"; echo "Python $version: the first publish failed"; exit 1; }
  before=$(find outbox -name '*.eml' | wc -l)
  make --no-print-directory publish PYTHON="$python" >"$work/log" 2>&1 || { cat "$work/log"; echo "Python $version: the second publish failed"; exit 1; }
  after=$(find outbox -name '*.eml' | wc -l)
  if [ "$before" -eq 0 ] || [ "$before" -ne "$after" ]; then
    echo "Python $version: $before messages after the first publish, $after after the second"; exit 1
  fi
  cd "$source"
  rm -rf "${work:?}/$version"
done
echo "smoke:$seen"
