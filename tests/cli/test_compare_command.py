"""``itb-bayes compare``."""

import json
import shutil

import pytest

from drift_cases import instead_of_sampling, run_command, spec_with
from itb_bayes.inference.fit import fit
from itb_bayes.inference.settings import SamplerSettings


@pytest.fixture(scope="module")
def simpler_fit(tiny_cohort, tmp_path_factory):
    """The same readings without centre effects."""
    out = tmp_path_factory.mktemp("simpler") / "fit"
    spec = spec_with(centre="no").model_copy(update={"name": "simpler"})
    with instead_of_sampling():
        made = fit(spec, tiny_cohort, SamplerSettings(250, 50, seed=2), out, quiet=True)
    assert made.gate.passed
    return out


def test_the_table_and_the_sentence(passed_fit, simpler_fit):
    done = run_command("compare", passed_fit, simpler_fit)
    lines = done.stdout.splitlines()
    assert (done.code, done.stderr) == (0, "")
    assert lines[0] == "Each patient left out:"
    assert lines[1].split()[:4] == ["model", "run", "elpd", "difference"]
    assert {lines[3].split()[0], lines[4].split()[0]} == {"drift", "simpler"}
    assert "left-out patients" in done.stdout


def test_json(passed_fit, simpler_fit):
    content = json.loads(run_command("compare", simpler_fit, passed_fit, "--json").stdout)
    assert content["models"][0]["difference"] == 0.0
    assert content["models"][1]["difference"] < 0.0
    assert content["sentence"].startswith(content["models"][0]["model"])


def test_what_a_user_can_get_wrong(passed_fit, tmp_path):
    done = run_command("compare", passed_fit)
    assert (done.code, "at least two fits" in done.stderr) == (2, True)
    done = run_command("compare", passed_fit, tmp_path)
    assert (done.code, "is not a fit" in done.stderr) == (2, True)


def test_other_readings_are_refused(passed_fit, tiny_cohort, tmp_path):
    until = dict.fromkeys(tiny_cohort.patients["patient_id"], 3.0)
    with instead_of_sampling():
        fit(
            spec_with(), tiny_cohort, SamplerSettings(250, 50, seed=2), tmp_path / "past",
            until_years=until, quiet=True,
        )  # fmt: skip
    done = run_command("compare", passed_fit, tmp_path / "past")
    assert done.code == 2
    assert "do not rest on the same dose readings" in done.stderr


def test_a_tampered_fit_is_refused(passed_fit, simpler_fit, tmp_path):
    copy = shutil.copytree(simpler_fit, tmp_path / "fit")
    with (copy / "data.nc").open("ab") as file:
        file.write(b"\0")
    done = run_command("compare", passed_fit, copy)
    assert (done.code, "data.nc does not match" in done.stderr) == (2, True)
