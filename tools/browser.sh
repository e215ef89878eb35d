#!/usr/bin/env bash
# Install a Chromium and the fonts that the pictures need, from Debian's packages, if this machine allows it.
set -u
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "Installing Chromium …"
  if apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null 2>&1; then
    apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null 2>&1  # where there is one, the tests are quicker with it
    exit 0
  fi
fi
echo "No Chromium here: the browser tests will be skipped (install the package chromium, or run as root on Debian)." >&2
