#!/bin/bash
# Makes sure that the Debian packages of the named groups (tools/setup/packages.txt) are installed: as root installs what
# is missing and nothing else; otherwise names what is missing and stops with exit status 2.
#   tools/setup/install.sh build run test
set -euo pipefail

list="$(dirname "$0")/packages.txt"
declare -a missing=()

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
  echo "set-up: this is not a Debian system; install the equivalents of the packages in tools/setup/packages.txt" >&2
  exit 0
fi

while read -r package group why; do
  case "$package" in '' | '#'*) continue ;; esac
  for wanted in "$@"; do
    if [ "$group" = "$wanted" ] && ! is_installed "$package"; then
      missing+=("$package")
      echo "set-up: $package is missing ($why)" >&2
    fi
  done
done <"$list"

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "set-up: not root, so nothing was installed. As root: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
