"""Stan's process of `benchmarks/regimes_speed.py`, with modules by the names of pystan's."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from peers.interpreter import STAN_PYTHON
from peers.regimes_stan.process import StanProcess

CHAINS, TUNE, DRAWS = 2, 3, 4
STAN = """\
import sys

import httpstan.compile
import numpy as np


class Model:
    model_name = "models/fake"
    program_code = "program"

    def __init__(self, data):
        self.data = data

    def log_prob(self, point):
        return sum(point)

    def grad_log_prob(self, point):
        return [self.data["slope"] for _ in point]

    def sample(self, num_chains, num_warmup, num_samples, save_warmup, init, max_depth):
        import httpstan.cache
        if (httpstan.cache.model_directory(self.model_name) / "fits").exists():
            raise RuntimeError("draws of an earlier run are still there")
        print("Sampling ...")
        assert save_warmup and len(init) == num_chains
        return Fit(num_chains, num_warmup + num_samples)


class Fit:
    param_names = ("free",)

    def __init__(self, *shape):
        self.chains, self.draws = shape

    def __getitem__(self, name):
        draw, chain = np.meshgrid(np.arange(self.draws), np.arange(self.chains), indexing="ij")
        flat = (10.0 * chain + draw).reshape(-1)
        if name == "free":
            return np.stack([flat, -flat])
        return (np.full_like(flat, 7.0) if name == "n_leapfrog__" else flat == 6).reshape(1, -1)


def build(program, data, random_seed):
    httpstan.compile.subprocess.run([sys.executable, "-c", ""], timeout=1e-6)
    print("Building ...")
    return Model(data)
"""
CACHE = """\
from pathlib import Path


def model_directory(name):
    return Path(__file__).parent / name
"""


@pytest.fixture
def stan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "modules"
    (folder / "httpstan/models/fake/fits").mkdir(parents=True)
    (folder / "httpstan/__init__.py").touch()
    (folder / "httpstan/compile.py").write_text("import subprocess\n", encoding="utf-8")
    (folder / "httpstan/cache.py").write_text(CACHE, encoding="utf-8")
    (folder / "stan.py").write_text(STAN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv(STAN_PYTHON, sys.executable)
    process = StanProcess({"slope": 2.5}, tmp_path)
    yield process
    process.close()


def test_densities_come_back(stan: StanProcess, tmp_path: Path) -> None:
    assert json.loads((tmp_path / "data.json").read_text(encoding="utf-8")) == {"slope": 2.5}
    assert stan.density([[1.0, 2.0], [3.0, 4.0]]) == {
        "values": [3.0, 7.0],
        "gradients": [[2.5, 2.5], [2.5, 2.5]],
    }


def test_draws_come_back_by_chain_and_steps_of_the_warm_up_count(stan: StanProcess) -> None:
    found = stan.sampling(
        seed=3, chains=CHAINS, tune=TUNE, draws=DRAWS, max_depth=4, init=[{}] * CHAINS
    )
    assert found["leapfrogs"] == 7 * CHAINS * (TUNE + DRAWS)
    assert {"cpu_s", "own_cpu_s"} <= set(found)
    with np.load(found["file"]) as drawn:
        want = 10.0 * np.arange(CHAINS)[:, None] + np.arange(TUNE, TUNE + DRAWS)
        np.testing.assert_array_equal(drawn["free"], np.stack([want, -want], axis=-1))
        np.testing.assert_array_equal(drawn["divergent__"], want == 6)


def test_a_process_that_ends_early_is_told(stan: StanProcess) -> None:
    with pytest.raises(RuntimeError, match="before it had sampling"):
        stan.sampling(seed=3, chains=3, tune=TUNE, draws=DRAWS, max_depth=4, init=[])
