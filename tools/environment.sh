#!/bin/sh
# Make the virtual environment .venv from the hash-checked pins and install the package into it.
#
# usage: tools/environment.sh VENV REQUIREMENTS...
#
# Called by the Makefile; needs nothing but a Python of at least 3.12 with its venv module.
set -eu

venv=$1
shift

usable() {
    # A pyenv shim exists for versions that are not selected, so a name is tried, not looked up.
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
        if usable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    cat >&2 <<'MESSAGE'
No Python 3.12 or newer with the venv module was found.
Tried: python3, python3.14, python3.13, python3.12 and the versions of pyenv.
Install one (on Debian and Ubuntu also the package python3-venv), or name it:
    make PYTHON=path/to/python3 demo
MESSAGE
    return 1
}

if ! usable "$venv/bin/python"; then
    python=$(find_python)
    echo "making $venv with $("$python" --version); this takes one to two minutes, once" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

pins=
for file in "$@"; do
    pins="$pins -r $file"
done
pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check "$@"
}
# shellcheck disable=SC2086  # file names of the Makefile, without spaces
pip install --quiet --require-hashes $pins
# The pins hold every dependency and the build backend, so nothing else is fetched here.
pip install --quiet --no-deps --no-build-isolation --editable .
