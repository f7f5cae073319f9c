"""Malformed model files: what is reported, on which line, and never a traceback."""

import json

import pytest
from typer.testing import CliRunner

from itb_bayes.cli.model import app
from itb_bayes.spec import check_model

LEVEL_INTERVAL = "interval = [80, 450]\nmass = 0.9"
CORRELATION = "params = { alpha = 4.0, beta = 4.0 }"

# (what is replaced in drift.toml, by what, text of the line reported, part of the message)
MALFORMED = {
    "format unknown": ("format = 1", "format = 2", "format = 2", "reads format 1, not 2"),
    "format is boolean": ("format = 1", "format = true", "format = true", "not true"),
    "format missing": ("format = 1\n", "", "# Long-term", "every model file has one"),
    "name missing": ('name = "drift"\n', "", "# Long-term", "every model file has one"),
    "name with spaces": ('name = "drift"', 'name = "My model"', "My model", "lower-case letters"),
    "name is a number": ('name = "drift"', "name = 3", "name = 3", "text in quotes, not 3"),
    "version is a number": ('version = "1.0"', "version = 1.0", "version =", "text in quotes"),
    "version in words": ('version = "1.0"', 'version = "one"', "version =", "numbers with dots"),
    "title empty": (
        'title = "Hierarchical drift of the daily dose by diagnosis and centre"',
        'title = "  "',
        "title =",
        "must not be empty",
    ),
    "kind unknown": ('kind = "drift"', 'kind = "drfit"', "drfit", "did you mean 'drift'?"),
    "kind missing": ('kind = "drift"\n', "", "# Long-term", 'for example kind = "drift"'),
    "kind is a list": ('kind = "drift"', 'kind = ["drift"]', "kind =", "unknown kind of model"),
    "unknown table": ("[noise]", "[noize]", "[noize]", "did you mean 'noise'?"),
    "missing table": ("[noise]\n", "[x]\n", 'kind = "drift"', "the table [noise] is missing"),
    "term is no table": ("[noise]", "[[noise]]", "[[noise]]", "must be a table"),
    "unknown key": ("step_months =", "step_month =", "step_month =", "did you mean 'step_months'?"),
    "missing key": ("from_years = 0.0\n", "", "[series]", "is missing"),
    "sampler setting": ("[series]", "draws = 2000\n[series]", "draws", "on the command line"),
    "sampler in a term": (
        "minimum_points = 2",
        "minimum_points = 2\ntarget_accept = 0.9",
        "target_accept",
        "sampler settings belong on the command line",
    ),
    "data path": ("[series]", 'cohort = "x.csv"\n[series]', "cohort", "data belong on the command"),
    "step in words": ('step_months = "auto"', 'step_months = "six"', "six", '"auto" or a number'),
    "step of nothing": ('step_months = "auto"', "step_months = 0", "step_months", "above 0"),
    "step is boolean": ('step_months = "auto"', "step_months = true", "step_months =", '"auto" or'),
    "negative start": ("from_years = 0.0", "from_years = -1", "from_years", "from 0 to 50"),
    "start is not a number": (
        "from_years = 0.0",
        "from_years = nan",
        "from_years",
        "finite number",
    ),
    "start in quotes": ("from_years = 0.0", 'from_years = "0"', "from_years", "a number"),
    "points fractional": ("minimum_points = 2", "minimum_points = 2.5", "2.5", "whole number"),
    "points none": ("minimum_points = 2", "minimum_points = 0", "minimum_points", "greater than"),
    "unknown process": ('kind = "ou"', 'kind = "uo"', '"uo"', "allowed: ou, random_walk, none"),
    "unknown noise": ('kind = "patient_t"', 'kind = "student"', '"student"', "patient_t, gaussian"),
    "unknown switch": (
        '[centre]\n# "auto": on where at least two centres are recorded.\nuse = "auto"',
        '[centre]\nuse = "on"',
        'use = "on"',
        "auto, yes, no",
    ),
    "table in a term": (
        "[titration]\n",
        '[titration]\nuse = "yes"\n[titration.months]\n',
        "[titration.months]",
        "unknown key",
    ),
    "unknown covariate": ("level = []", 'level = ["sexe"]', "sexe", "did you mean 'sex'?"),
    "covariate twice": ("level = []", 'level = ["sex", "sex"]', "level =", "names 'sex' twice"),
    "covariates no list": ("level = []", 'level = "sex"', "level =", "list of patient columns"),
    "covariate without prior": ("drift = []", 'drift = ["sex"]', "drift =", "prior is missing"),
    "prior missing": ("[priors.tail_df]", "[priors.tail_fd]", 'kind = "patient_t"', "noise.kind ="),
    "prior unknown": ("[priors.tail_df]", "[priors.tail_fd]", "tail_fd", "did you mean 'tail_df'?"),
    "prior always missing": ("[priors.level_sd]", "[priors.l]", 'kind = "drift"', "every drift"),
    "prior unused": ('kind = "patient_t"', 'kind = "gaussian"', "[priors.tail_df]", "is not used"),
    "priors no table": ("[series]", "priors = 3\n[series]", None, "not valid TOML"),
    "prior no table": ("[priors.tail_df]", "[priors]\ntail_df = 4\n[x]", "tail_df = 4", "a table"),
    "prior key unknown": (LEVEL_INTERVAL, "intervall = [80, 450]", "intervall", "'interval'?"),
    "unit unknown": ('unit = "ug/day"', 'unit = "mg/day"', "mg/day", "did you mean 'ug/day'?"),
    "unit of another prior": (
        'unit = "ug/day"',
        'unit = "ratio"',
        'unit = "ratio"',
        "stated in 'ug/day'",
    ),
    "family unknown": ('family = "beta"', 'family = "bta"', '"bta"', "allowed: beta"),
    "family not in this unit": (
        'unit = "ug/day"\nfamily = "lognormal"',
        'unit = "ug/day"\nfamily = "normal"',
        'family = "normal"',
        "cannot be stated in 'ug/day'; allowed: lognormal",
    ),
    "spread that may be negative": (
        'unit = "log"\nfamily = "lognormal"\ninterval = [0.4, 1.0]',
        'unit = "log"\nfamily = "normal"\ninterval = [0.4, 1.0]',
        'family = "normal"\ninterval = [0.4, 1.0]',
        "level_sd needs one of: lognormal, halfnormal",
    ),
    "interval falls": ("[80, 450]", "[450, 80]", "[450, 80]", "must rise from low to high"),
    "interval of one": ("[80, 450]", "[80]", "[80]", "must be two numbers"),
    "interval infinite": ("[80, 450]", "[80, inf]", "[80, inf]", "must be two numbers"),
    "interval at zero": ("[80, 450]", "[0, 450]", "[0, 450]", "must lie above 0"),
    "interval outside": ("[-3, 9]", "[-120, 9]", "[-120, 9]", "must lie above -100"),
    "half interval off zero": ("interval = [0, 8]", "interval = [1, 8]", "[1, 8]", "start at 0"),
    "mass of one": (LEVEL_INTERVAL, "interval = [80, 450]\nmass = 1.0", "mass = 1.0", "between 0"),
    "mass in per cent": (LEVEL_INTERVAL, "interval = [80, 450]\nmass = 90", "mass = 90", "0.9"),
    "mass too near one": (
        LEVEL_INTERVAL,
        "interval = [80, 450]\nmass = 0.99999999999999989",
        "interval = [80, 450]",
        "no 'lognormal' has mass 1",
    ),
    "mass missing": (LEVEL_INTERVAL, "interval = [80, 450]", "[priors.level]", "'mass' beside"),
    "interval missing": (LEVEL_INTERVAL, "mass = 0.9", "[priors.level]", "'interval' beside"),
    "no numbers": (CORRELATION, "", "[priors.level_drift_correlation]", "params (alpha, beta)"),
    "params and interval": (CORRELATION, f"{CORRELATION}\nmass = 0.5", "params", "not both"),
    "params unknown": (CORRELATION, "params = { alpha = 4, b = 4 }", "params", "is no parameter"),
    "params lacking": (CORRELATION, "params = { alpha = 4 }", "params", "lacks 'beta'"),
    "params negative": (
        CORRELATION,
        "params = { alpha = -4, beta = 4 }",
        "params",
        "greater than 0",
    ),
    "params no numbers": (CORRELATION, 'params = { alpha = "4" }', "params", "table of numbers"),
    "params no table": (CORRELATION, "params = [4, 4]", "params", "table of numbers"),
    "source missing": (
        'source = "none published"\nwhy = "Symmetric',
        'why = "Symmetric',
        "[priors.level_drift_correlation]",
        "source: is missing",
    ),
    "source empty": ('source = "none published"', 'source = ""', 'source = ""', "not be empty"),
    "why empty": (
        'why = "From weeks to a near random walk."',
        'why = " "',
        'why = " "',
        "empty",
    ),
    "diagnosis unknown": (
        "[priors.drift]",
        "[priors.drift.by.HPS]\n" + 'unit = "percent_per_year"\nfamily = "normal"\nmass = 0.9\n'
        'interval = [-3, 9]\nsource = "s"\nwhy = "w"\n\n[priors.drift]',
        "by.HPS]",
        "did you mean 'HSP'?",
    ),
    "diagnosis with a fault": (
        "[priors.drift]",
        "[priors.drift.by.HSP]\n" + 'unit = "percent_per_year"\nfamily = "normal"\nmass = 0.9\n'
        'interval = [9, -3]\nsource = "s"\nwhy = "w"\n\n[priors.drift]',
        "interval = [9, -3]",
        "priors.drift.by.HSP.interval: must rise",
    ),
    "prior not by diagnosis": (
        "[priors.level_sd]",
        "[priors.level_sd.by.MS]\n" + 'unit = "log"\nfamily = "lognormal"\nmass = 0.9\n'
        'interval = [0.4, 1.0]\nsource = "s"\nwhy = "w"\n\n[priors.level_sd]',
        "level_sd.by.MS]",
        "one value for all diagnoses",
    ),
    "remove without extends": ("[series]", 'remove = ["noise"]\n[series]', "remove", "extends no"),
    "remove no list": ("[series]", 'remove = "noise"\n[series]', "remove", "a list of names"),
    "extends a number": ("format = 1", "format = 1\nextends = 1", "extends", "must name one model"),
    "extends nothing": ("format = 1", 'format = 1\nextends = "@drit"', "@drit", "mean '@drift'?"),
    "extends a missing file": (
        "format = 1",
        'format = 1\nextends = "b.toml"',
        "b.toml",
        "no model",
    ),
    "extends a path": (
        "format = 1",
        'format = 1\nextends = "../b.toml"',
        "b.toml",
        "without a path",
    ),
    "key twice": ('name = "drift"', 'name = "drift"\nname = "x"', 'name = "x"', "not valid TOML"),
    "quote left open": ('name = "drift"', 'name = "drift', 'name = "drift', "not valid TOML"),
    "no value": ("minimum_points = 2", "minimum_points =", "minimum_points =", "not valid TOML"),
    "nested too deeply": (
        "minimum_points = 2",
        "minimum_points = " + "[" * 30 + "]" * 30,
        "# Long-term",
        "nested too deeply",
    ),
    "nested beyond reading": (
        "minimum_points = 2",
        "minimum_points = " + "[" * 9000 + "]" * 9000,
        "# Long-term",
        "nested too deeply",
    ),
    "huge integer": ("minimum_points = 2", "minimum_points = " + "9" * 5000, "# Long-term", "TOML"),
    "big number": ("[80, 450]", f"[80, {10**400}]", "interval = [80", "must be two numbers"),
}


def _line_of(text: str, marker: str) -> int:
    return text[: text.index(marker)].count("\n") + 1


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file_is_reported_with_line_and_message(case, drift_text, write_model):
    old, new, marker, fragment = MALFORMED[case]
    assert old in drift_text
    text = drift_text.replace(old, new, 1)
    path = write_model(text)
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 3
    assert isinstance(result.exception, SystemExit)
    assert fragment in result.stdout
    if marker is not None:
        hits = [p for p in check_model(path).problems if fragment in str(p)]
        assert _line_of(text, marker) in [p.line for p in hits]
        for problem in hits:
            assert problem.text == text.split("\n")[problem.line - 1].strip()[:200]


def test_all_problems_are_found_in_one_pass(drift_text, write_model):
    text = drift_text
    for old, new, *_ in (
        MALFORMED["unknown process"],
        MALFORMED["interval falls"],
        MALFORMED["unknown covariate"],
        MALFORMED["version in words"],
        MALFORMED["prior unknown"],
        MALFORMED["unit unknown"],
        MALFORMED["why empty"],
    ):
        text = text.replace(old, new, 1)
    problems = check_model(write_model(text)).problems
    assert {p.key for p in problems} >= {
        "version",
        "process.kind",
        "covariates.level",
        "priors.tail_fd",
        "priors.tail_df",
        "priors.level.unit",
        "priors.persistence_months.why",
    }
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_check_prints_json(drift_text, write_model):
    path = write_model(drift_text.replace('kind = "ou"', 'kind = "uo"'))
    result = CliRunner().invoke(app, ["check", str(path), "--json"])
    content = json.loads(result.stdout)
    assert result.exit_code == 3
    assert content["ok"] is False
    assert content["problems"][0]["key"] == "process.kind"


def test_titration_needs_the_first_year(drift_text, write_model):
    text = drift_text.replace("from_years = 0.0", "from_years = 1.0").replace(
        'dose records of the first year exist.\nuse = "auto"',
        'dose records of the first year exist.\nuse = "yes"',
    )
    (problem,) = check_model(write_model(text)).problems
    assert problem.key == "titration.use"
    assert "lower series.from_years" in problem.message


def test_a_prior_of_one_diagnosis_cannot_be_split_again(drift_text, write_model):
    statement = 'unit = "ug/day"\nfamily = "lognormal"\ninterval = [80, 90]\nmass = 0.9\n'
    statement += 'source = "s"\nwhy = "w"\n'
    text = (
        drift_text + f"\n[priors.level.by.MS]\n{statement}[priors.level.by.MS.by.HSP]\n{statement}"
    )
    (problem,) = check_model(write_model(text)).problems
    assert problem.key == "priors.level.by.MS.by"
    assert "cannot be split further" in problem.message
    assert problem.line == text[: text.index("[priors.level.by.MS.by.HSP]")].count("\n") + 1
