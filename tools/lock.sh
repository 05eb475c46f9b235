#!/usr/bin/env bash
# Write locked.txt: the versions of constraints.txt with the hashes of their files, but for torch, whose build differs by
# machine. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "# Made by tools/lock.sh from constraints.txt: hashes of what continuous integration installs, torch left out." >locked.txt
grep -v -e '^#' -e '^torch==' constraints.txt |
  uv pip compile -q --no-deps --generate-hashes --no-header --no-annotate --python-version 3.11.7 - >>locked.txt
