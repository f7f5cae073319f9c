"""The command line answers at once: nothing heavy is loaded before a command needs it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {
    "arviz_base",
    "arviz_stats",
    "dask",
    "distributed",
    "jinja2",
    "matplotlib",
    "numba",
    "numpy",
    "nutpie",
    "pandas",
    "pandera",
    "pyarrow",
    "pydantic",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
}


def test_loading_every_command_loads_nothing_heavy() -> None:
    names = [path.stem for path in sorted((ROOT / "src/itb_bayes/cli").glob("[a-z]*.py"))]
    assert "main" in names
    code = (
        "import importlib, json, sys\n"
        f"for name in {names!r}: importlib.import_module('itb_bayes.cli.' + name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert HEAVY.isdisjoint(json.loads(loaded.stdout))


def test_help_answers_within_half_a_second() -> None:
    spec = importlib.util.spec_from_file_location("startup", ROOT / "benchmarks/startup.py")
    assert spec is not None
    assert spec.loader is not None
    startup = importlib.util.module_from_spec(spec)
    sys.modules["startup"] = startup
    spec.loader.exec_module(startup)
    # Processor time: tests that run beside this one would be in the time on the clock.
    assert startup.measure(runs=5).cpu_s < startup.LIMIT_S
