"""Same seed, same draws: in a fresh process, with a cold and with a warm cache of compiled code."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drift_cases import CANARY
from itb_bayes.inference.fitted import Fit

COMMAND = "from itb_bayes.cli.main import run; run()"


def fit_in_a_fresh_process(cohort: Path, out: Path, cache: Path, seed: int) -> str:
    """Return a digest of all draws."""
    clean = {
        name: value for name, value in os.environ.items()
        if name not in ("NUMBA_CACHE_DIR", "PYTENSOR_FLAGS")
    }  # fmt: skip
    temporary = out.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    clean |= {"ITB_BAYES_CACHE": str(cache), "TMPDIR": str(temporary)}
    arguments = ["fit", "@drift", cohort, "--out", out, "--seed", seed]
    short = ["--draws", 60, "--tune", 60, "--chains", 2]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments + short)],
        capture_output=True, text=True, check=False, env=clean,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []
    digest = hashlib.sha256()
    posterior = Fit.load(out).posterior
    for name in sorted(posterior.data_vars):
        digest.update(posterior[name].to_numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.slow
def test_a_cold_and_a_warm_cache_give_the_same_draws_and_hold_no_patient(tiny_folder, tmp_path):
    cache = tmp_path / "cache"
    cold = fit_in_a_fresh_process(tiny_folder, tmp_path / "cold", cache, seed=4)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert {"numba", "pytensor"} <= {part for path in files for part in path.parts}
    warm = fit_in_a_fresh_process(tiny_folder, tmp_path / "warm", cache, seed=4)
    assert warm == cold
    assert fit_in_a_fresh_process(tiny_folder, tmp_path / "other", cache, seed=5) != cold

    doses = Fit.load(tmp_path / "cold").plan.series.daily_dose_ug
    values = [x for x in doses if x != round(x)]
    needles = [CANARY.encode(), *(np.float64(v).tobytes() for v in (*values, *np.log(values)))]
    found = [
        path.name for path in files for content in [path.read_bytes()]
        if any(needle in content for needle in needles)
    ]  # fmt: skip
    assert len(values) > 50
    assert found == []
