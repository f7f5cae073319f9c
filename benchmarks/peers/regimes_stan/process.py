"""Stan's process: starts it under its own interpreter and puts requests to it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from peers.interpreter import STAN_PYTHON, named_interpreter
from peers.process_tree import cpu_seconds
from peers.regimes_stan.program import program_text

BENCHMARKS = Path(__file__).resolve().parents[2]


class StanProcess:
    """The program, built with some data; a child of this process, so its time can be counted.

    Parameters
    ----------
    data : dict
        The data block, ready for JSON.
    folder : Path
        Where program, data and draws are put, and what was compiled is kept.
    """

    def __init__(self, data: dict[str, Any], folder: Path) -> None:
        program, data_file, self._out = (
            folder / name for name in ("regimes.stan", "data.json", "draws.npz")
        )
        program.write_text(program_text(), encoding="utf-8")
        data_file.write_text(json.dumps(data), encoding="utf-8")
        command = [named_interpreter(STAN_PYTHON), "-m", "peers.regimes_stan.worker"]
        paths = os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")])
        kept = {"XDG_CACHE_HOME": str(folder / "caches"), "PYTHONPATH": paths}
        self._process = subprocess.Popen(
            [*command, str(program), str(data_file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | kept,
        )  # fmt: skip
        self._expect("built")

    def density(self, points: list[list[float]]) -> dict[str, Any]:
        """Return ``values`` and ``gradients`` at points in the program's order."""
        return self._ask("density", points=points)

    def sampling(self, **settings: Any) -> dict[str, Any]:
        """Sample; return the ``file`` of draws, ``leapfrogs``, and ``cpu_s`` of the chains alone."""
        before = cpu_seconds()
        answer = self._ask("sampling", out=str(self._out), **settings)
        spent = cpu_seconds() - before
        return {**answer, "cpu_s": spent - answer["own_cpu_s"], "file": self._out}

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, step: str, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"step": step, **request}) + "\n")
        self._process.stdin.flush()
        return self._expect(step)

    def _expect(self, step: str) -> dict[str, Any]:
        """Wait for the answer to a step and return it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {}
        if answer.pop("step", None) != step:
            self._process.communicate()
            raise RuntimeError(f"Stan's process ended before it had {step} (its log says why)")
        return answer
