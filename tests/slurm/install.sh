#!/usr/bin/env bash
# Installs a Slurm of one node (Debian's packages) where it is missing and that is possible: as root, with apt. Nothing is
# started. Exit code 77 where it cannot be had, with the reason; the test that needs it is then skipped.
set -euo pipefail
PACKAGES=(slurmctld slurmd slurm-client munge slurmdbd mariadb-server-core mariadb-client-core)
impossible() { echo "no Slurm here: $*" >&2; exit 77; }

missing=()
for package in "${PACKAGES[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || impossible "only root can install ${missing[*]}"
command -v apt-get >/dev/null || impossible "there is no apt-get to install ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends "${missing[@]}"; } </dev/null >&2 \
  || impossible "apt-get could not install ${missing[*]}"
