#!/bin/sh
# Build wheel and source distribution, install the wheel into a clean environment, and run it there.
#
# usage: tools/package.sh PYTHON
#
# PYTHON is that of the project's environment, which brings the build backend and the dependencies:
# the clean environment sees them, and nothing of this checkout.
set -eu

python=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" -m hatchling build -t wheel -t sdist -d "$scratch/dist" >/dev/null
ls "$scratch/dist"

# The source distribution must build the same wheel as the checkout.
mkdir "$scratch/source"
tar -xzf "$scratch"/dist/*.tar.gz -C "$scratch/source" --strip-components 1
(cd "$scratch/source" && "$python" -m hatchling build -t wheel -d "$scratch/again" >/dev/null)
for wheel in dist again; do
    "$python" -m zipfile -l "$scratch/$wheel"/*.whl | awk '{ print $1, $NF }' | grep -v RECORD |
        sort >"$scratch/$wheel.list"
done
cmp "$scratch/dist.list" "$scratch/again.list"

"$python" -m venv "$scratch/venv"
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
clean=$("$scratch/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$scratch/venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-index \
    "$scratch"/dist/*.whl
# Dependencies of the project's environment, without its editable installs: a folder put on the path
# by name is not searched for .pth files.
echo "$site" >"$clean/dependencies.pth"

cd "$scratch"
unset PYTHONPATH
"$scratch/venv/bin/itb-bayes" --version
"$scratch/venv/bin/itb-bayes" model list >/dev/null
"$scratch/venv/bin/python" - <<'PY'
import pathlib, sys
import itb_bayes
from itb_bayes.resources import demo_cohort_dir
assert pathlib.Path(itb_bayes.__file__).is_relative_to(sys.prefix), itb_bayes.__file__
cohort = itb_bayes.Cohort.read(demo_cohort_dir())
print(f"installed package read {len(cohort.patients)} patients")
PY
"$scratch/venv/bin/itb-bayes" prior @drift "$scratch/source/data/synthetic/clinic-small" >/dev/null
echo "package passed"
