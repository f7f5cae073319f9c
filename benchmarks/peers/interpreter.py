"""A Python other than the running one, for tools that need one of their own."""

import json
import os
import subprocess

STAN_PYTHON = "STAN_PYTHON"
"""Environment variable that names the interpreter with pystan."""

_ASK = """\
import importlib.metadata, importlib.util, json, sys
module, *packages = sys.argv[1:]
if importlib.util.find_spec(module) is None:
    sys.exit(1)
json.dump({name: importlib.metadata.version(name) for name in packages}, sys.stdout)
"""


def named_interpreter(variable: str) -> str:
    """Return the interpreter that an environment variable names; empty where it names none."""
    return os.environ.get(variable, "")


def versions_in(python: str, module: str, packages: tuple[str, ...]) -> dict[str, str] | None:
    """Return the versions of distributions in another interpreter.

    Parameters
    ----------
    python : str
        Path of the interpreter; empty: there is none.
    module : str
        What must be importable there.
    packages : tuple of str

    Returns
    -------
    dict of str to str, or None
        None where there is no such interpreter, module or distribution.
    """
    if not python:
        return None
    command = [python, "-c", _ASK, module, *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    versions: dict[str, str] = json.loads(done.stdout)
    return versions
