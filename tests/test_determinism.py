"""The same inputs give the same bytes, whatever the process, its cores, its words and its clock."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from itb_bayes.inference.fitted import Fit

COMMAND = "from itb_bayes.cli.main import run; run()"
ON_ONE_CORE = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"

PLAIN = {
    "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2",
    "PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8",
}  # fmt: skip
OTHERWISE = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "77", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
}  # fmt: skip

DENSITY = """
import json, sys
import numpy as np
from itb_bayes.inference.density import Density
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.sampling import compile_model
from itb_bayes.model.drift import build_drift
fit = Fit.load(sys.argv[1])
compiled = compile_model(build_drift(fit.spec, fit.plan))
found = [Density(compiled).evaluate(compiled.initial_point_func(seed)) for seed in range(5)]
print(json.dumps([[value, *gradient.tolist()] for value, gradient in found]))
"""


def run(script: str, *arguments: object, one_core: bool = False, **variables: str) -> str:
    """Run a script in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", (ON_ONE_CORE if one_core else "") + script, *map(str, arguments)],
        capture_output=True, text=True, check=False, env=os.environ | variables,
    )  # fmt: skip
    assert done.returncode in (0, 5), done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_numbers_of_patients_are_the_same_bytes(passed_fit):
    one = run(COMMAND, "risk", passed_fit, "--json", **PLAIN)
    other = run(COMMAND, "risk", passed_fit, "--json", one_core=True, **OTHERWISE)
    assert len(json.loads(one)) > 0
    assert other == one


@pytest.mark.slow
def test_pages_are_the_same_bytes(passed_fit, tmp_path):
    for name, one_core, variables in (("a", False, PLAIN), ("b", True, OTHERWISE)):
        out = tmp_path / name / "pages"
        out.parent.mkdir()
        run(COMMAND, "report", passed_fit, "--out", out, one_core=one_core, **variables)
    pages = contents(tmp_path / "a")
    assert any(name.endswith(".html") for name in pages)
    assert contents(tmp_path / "b") == pages


@pytest.mark.slow
def test_draws_are_the_same_bytes(tiny_folder, tmp_path):
    arguments = ("--draws", 60, "--tune", 60, "--chains", 3, "--seed", 4)
    for name, one_core, variables in (("a", False, PLAIN), ("b", True, OTHERWISE)):
        out = tmp_path / name
        run(
            COMMAND, "fit", "@drift", tiny_folder, "--out", out, *arguments,
            one_core=one_core, **variables,
        )  # fmt: skip
    one, other = (Fit.load(tmp_path / name).posterior for name in ("a", "b"))
    assert set(one.data_vars) == set(other.data_vars)
    for name, values in one.data_vars.items():
        assert values.to_numpy().tobytes() == other[name].to_numpy().tobytes(), name


@pytest.mark.slow
def test_another_processor_agrees_to_twelve_digits(passed_fit):
    """Code for the plainest processor of the family, without its wide instructions."""
    ours = np.array(json.loads(run(DENSITY, passed_fit)))
    plain = {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    }
    theirs = np.array(json.loads(run(DENSITY, passed_fit, **plain)))
    scale = np.abs(ours).max(axis=1, keepdims=True)
    assert np.abs(theirs - ours).max() <= 1e-12 * scale.max()
    assert (np.abs(theirs - ours) <= 1e-12 * scale).all()
