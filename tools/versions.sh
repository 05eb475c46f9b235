#!/usr/bin/env bash
# Run all tests with another Python, or with the lowest versions that pyproject.toml allows. Needs uv.
#
#   tools/versions.sh 3.13             the versions of constraints.txt
#   tools/versions.sh 3.11 --lowest    the lowest, of what those need the newest
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$(mktemp -d)/salm-$1
trap 'rm -rf "$(dirname "$environment")"' EXIT
chosen=(-c constraints.txt)
[ "${2:-}" = --lowest ] && chosen=(--resolution lowest-direct)

uv venv -q -p "$1" "$environment"
uv pip install -q -p "$environment/bin/python" "${chosen[@]}" -e ".[test]"
"$environment/bin/python" -m pytest -n 2
