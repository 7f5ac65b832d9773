#!/usr/bin/env bash
# Installs the browser of the tests (Debian's chromium and its driver) where it is missing and that is possible: as root,
# with apt. Elsewhere it only says so, and the tests that need a browser are skipped.
set -euo pipefail
have() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }
if have; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "no browser: install chromium and chromium-driver for the browser tests" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium chromium-driver >/dev/null || true
have || echo "no browser: apt-get could not install chromium and chromium-driver; the browser tests are skipped" >&2
