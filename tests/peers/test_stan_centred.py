"""The Stan entry of `benchmarks/drift_speed.py`, as far as it can be tested without Stan."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_stan import MARKS, write_fake_stan
from peers.catalogue import entry
from peers.interpreter import STAN_PYTHON
from peers.outcome import Outcome
from peers.problem import PARAMETERS, simulate
from peers.run import Run
from peers.speed_page import render_page
from peers.stan_centred import PROGRAM, StanCentred, stan_data

DRAWS, CHAINS = 5, 3


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(simulate(4, 1), tmp_path, DRAWS, 2, CHAINS, 7)


@pytest.fixture
def fake_stan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    write_fake_stan(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv(STAN_PYTHON, sys.executable)
    return folder


def test_data_are_those_that_the_program_declares() -> None:
    problem = simulate(4, 1)
    block = re.search(r"data \{(.*?)\}\nparameters", PROGRAM.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    declared = re.findall(r"(\w+);", block[1])
    data = stan_data(problem)
    assert sorted(declared) == sorted(data)
    assert data["diagnosis"] == [1, 2, 1, 2]
    assert data["patient"] == np.repeat([1, 2, 3, 4], 10).tolist()
    assert data["log_dose"] == problem.log_dose.tolist()
    assert data["drift_sd_scale"] == problem.priors["drift_sd"]["sd"]


def test_draws_come_back_by_chain(run: Run, fake_stan: Path) -> None:
    tool = StanCentred()
    draws = tool.sample(tool.prepare(run), run)
    assert set(draws.values) == set(PARAMETERS)
    marks = MARKS * np.arange(CHAINS)[:, None] + np.arange(DRAWS)
    np.testing.assert_allclose(draws.values["within_sd"], marks)
    np.testing.assert_allclose(draws.values["drift[SCI]"], marks + 0.1)
    np.testing.assert_allclose(draws.values["correlation"], 2.0 * marks - 1.0)
    assert draws.divergences == CHAINS - 1
    assert draws.handing_over_cpu_s > 0.0
    assert not (fake_stan / "httpstan/models/fake/fits").exists()


def test_a_worker_that_ends_early_is_told(run: Run, fake_stan: Path) -> None:
    (fake_stan / "stan.py").write_text("raise ImportError('broken wheel')\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match="before it had built"):
        StanCentred().prepare(run)


def test_versions_are_those_of_its_interpreter(fake_stan: Path) -> None:
    tool = entry("stan-centred")
    assert tool.is_installed()
    assert tool.versions() == {"pystan": "3.99", "httpstan": "4.99"}


@pytest.mark.parametrize("python", ["", "no-such-python", sys.executable])
def test_without_stan_it_is_not_installed(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The running Python is one without Stan, as the pins of the project have none."""
    monkeypatch.setenv(STAN_PYTHON, python)
    tool = entry("stan-centred")
    assert not tool.is_installed()
    with pytest.raises(RuntimeError, match=STAN_PYTHON):
        tool.versions()


def _outcome(tool: str, handing_over_cpu_s: float) -> Outcome:
    measures = {
        "mean": 1.0,
        "sd": 1.0,
        "mcse": 0.1,
        "ess_bulk": 60.0,
        "ess_tail": 50.0,
        "r_hat": 1.0,
    }
    return Outcome(
        tool=tool,
        n_patient=41,
        draws=100,
        tune=100,
        chains=4,
        status="done",
        wall_s=9.0,
        import_cpu_s=1.0,
        setup_cpu_s=1.0,
        sampling_cpu_s=4.0,
        handing_over_cpu_s=handing_over_cpu_s,
        sampling_wall_s=4.0,
        memory_mb=1.0,
        divergences=0,
        parameters=dict.fromkeys(PARAMETERS, measures),
        versions={},
    )


def test_the_page_tells_what_handing_over_took_and_what_is_left_out() -> None:
    machine = {"processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3"}
    result = {
        "machine": machine,
        "settings": {"chains": 4, "draws": 100, "tune": 100, "limit_s": 9.0},
        "load_before_1_5_15_min": [0.0, 0.0, 0.0],
        "minutes": 1.0,
        "not_installed": ["bambi-pymc"],
    }
    compared = [_outcome("itb-lmm", 0.0), _outcome("stan-centred", 1.0)]
    page = render_page(result, [], compared)
    assert page.count("1.00 of the 4.00 CPU s of sampling") == 1
    assert "without it, ESS per CPU s is 20." in page
    assert "Not installed, left out: bambi-pymc." in page
