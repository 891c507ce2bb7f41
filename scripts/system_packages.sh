#!/bin/sh
# Install the Debian packages that are named and missing: as root, or through sudo.
set -eu

missing=""
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "This is no Debian: if something is missing below, install what corresponds to$missing"
    exit 0
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
echo "Installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
