#!/bin/sh
# Pin every dependency with its hashes, for all platforms and every Python from 3.12 on.
#
# usage: tools/lock.sh [--upgrade]
#
# Reads pyproject.toml; writes requirements.txt (running, tests, checks) and
# requirements-docs.txt (the site; the same versions where both hold a package).
# The address of the registry is left out on purpose: it belongs to the machine, not to the project.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip --disable-pip-version-check install --quiet uv

compile() {
    "$scratch/venv/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.12 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url "$@"
}
compile --extra excel --extra distributed --extra pdf --group dev --output-file requirements.txt "$@"
compile --extra docs --constraint requirements.txt --output-file requirements-docs.txt "$@"
