"""The Stan form of the regimes model, as far as it can be tested without Stan."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from peers.regimes_scan.page import render_page
from peers.regimes_stan.child import REPEATS, gradient_times, named_draws
from peers.regimes_stan.data import stan_data
from peers.regimes_stan.page import TARGET
from peers.regimes_stan.program import HERE, program_text
from peers.regimes_stan.starts import starts
from peers.regimes_stan.values import VECTORS, values_of

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.kernel.regimes import layout, oracle
from itb_bayes.kernel.regimes.layout import Code, Col, Own, Par, State
from itb_bayes.model.regimes import build_regimes
from itb_bayes.model.regimes_parameters import RULES, kernel_parameters
from itb_bayes.model.regimes_plan import plan_regimes
from itb_bayes.spec import load_model

SHARES_OF = {
    Par.LEAK_VAR: Par.LEAK_RATE,
    Par.CREEP_VAR: Par.CREEP_RATE,
    Par.TOLERANCE_VAR: Par.TOLERANCE_RATE,
    Par.TOLERANCE_STEP_VAR: Par.TOLERANCE_STEP,
    Par.PROGRESSION_VAR: Par.PROGRESSION_RATE,
}
"""Variances that are estimated as a share, and of what."""

COHORT = Path(__file__).parents[1] / "data/synthetic/clinic-small"


@pytest.fixture(scope="module", params=["@regimes", "@regimes-dose-ashworth"])
def case(request):
    """Specification and plan: all channels on, and most of them off."""
    spec = load_model(request.param)
    return spec, plan_regimes(spec, Cohort.read(COHORT))


def test_names_of_the_program_are_those_of_the_kernel():
    text = (HERE / "names.stan").read_text(encoding="utf-8")
    places = {
        name: int(k) for name, k in re.findall(r"^int (\w+)\(\) { return (\d+); }", text, re.M)
    }
    prefixes = ((State, ""), (Par, ""), (Own, "OWN_"), (Col, "COL_"), (Code, "CODE_"))
    assert places == {prefix + e.name: e + 1 for enum, prefix in prefixes for e in enum}
    numbers = dict(re.findall(r"^real (\w+)\(\) { return (.*); }", text, re.M))
    assert numbers.pop("SHORTEST_YEARS") == "1 / 365.25"
    for name, number in numbers.items():
        module = oracle if name.startswith("REFILL") else layout
        assert float(number) == getattr(module, name)
    assert len(numbers) == 14


def test_data_are_those_that_the_program_declares(case):
    text = program_text()
    assert "#include" not in text
    block = re.search(r"\ndata \{\n(.*?)\n\}\n", text, re.DOTALL)
    declared = re.findall(r"(\w+);", re.sub(r"//.*", "", block[1]))
    assert sorted(declared) == sorted(stan_data(*case))


def test_every_step_and_action_is_there(case):
    _, plan = case
    data = stan_data(*case)
    assert data["first_step"][-1] == data["n_step"] + 1
    there, x = np.array(data["there"], dtype=bool), np.array(data["x"])
    np.testing.assert_array_equal(np.where(there, x, np.nan), plan.data)
    first = np.array(data["first_action"]) - 1
    done = [sum(data["action"][a:b]) for a, b in pairwise(first)]
    np.testing.assert_array_equal(done, plan.codes[:, Code.ACTION])
    assert len(data["action"]) == data["n_action"] > 0


def test_values_are_those_of_the_package_in_its_order(case):
    values = values_of(*case)
    model = build_regimes(*case)
    point = model.initial_point()
    of_transforms = {"lognormal": "_log__", "beta": "_logodds__", "normal": ""}
    pairs = zip(values.names, values.families, strict=True)
    named = [name + of_transforms[family] for name, family in pairs]
    want = [v.name for v in model.value_vars for _ in range(np.size(point[v.name]))]
    assert named == want
    np.testing.assert_array_equal(values.order[values.at], np.arange(len(named)))


def test_parameters_come_from_the_values_that_the_package_takes(case):
    spec, plan = case
    values, data = values_of(spec, plan), stan_data(spec, plan)
    rng = np.random.default_rng(3)
    own_order = rng.uniform(0.1, 0.9, len(values.names))
    value = np.r_[np.nan, own_order[values.order]]
    named = {}
    for name, number in zip(values.names, own_order, strict=True):
        named.setdefault(name, []).append(number)
    grouped = {"drift", "progression_per_year"} | (
        {"reading_sd", "goal"} if plan.centres else set()
    )
    g, own = kernel_parameters(
        {k: np.array(v) if k in grouped else v[0] for k, v in named.items()}, plan, np
    )
    rules = {k: rule for k, (_, rule) in zip(data["rule"], RULES.values(), strict=True)}
    assert sorted(rules) == [1, 2, 3, 4, 5, 6, 7]
    for par in Par:
        place = data["source"][par]
        assert data["rule"][par] in rules
        scale = {var: g[of] ** 2 for var, of in SHARES_OF.items()}
        got = RULES[par][1](value[place], np) if place else data["fixed"][par]
        assert got * scale.get(par, 1.0) == pytest.approx(g[par])
    np.testing.assert_allclose(value[data["drift_at"]], own[:, Own.DRIFT])
    np.testing.assert_allclose(value[data["progression_at"]], own[:, Own.PROGRESSION_ONSET])
    np.testing.assert_allclose(value[data["reading_sd_at"]] ** 2, own[:, Own.TONE_VAR])
    goal = np.where(np.array(data["goal_at"]) == 0, 1.0, value[data["goal_at"]])
    np.testing.assert_allclose(goal, own[:, Own.GOAL])
    follows = value[data["follows_at"]] if data["follows_at"] else 0.0
    untreated = value[data["untreated_at"]] * np.exp(
        follows * np.array(data["untreated_deviation"])
    )
    np.testing.assert_allclose(1.0 + untreated, own[:, Own.UNTREATED])
    ratio = value[data["ratio_at"]] if data["ratio_at"] else 1.0
    catheter = 1.0 + (ratio - 1.0) * np.array(data["older_catheter"])
    np.testing.assert_allclose(catheter, own[:, Own.CATHETER_RATIO])


def test_chains_begin_apart_within_the_support(case):
    values = values_of(*case)
    one, other = starts(values, 2, 1)
    assert one != other
    assert np.min(one["positive"]) > 0.0
    assert 0.0 < np.min(one["share"]) < np.max(one["share"]) < 1.0
    assert [len(one[name]) for name in VECTORS] == [
        values.families.count(family) for family in ("normal", "lognormal", "beta")
    ]


def test_draws_come_back_under_the_names_of_the_package(case):
    values = values_of(*case)
    places = np.arange(len(values.names), dtype=float)
    cuts = np.cumsum([values.families.count(family) for family in ("normal", "lognormal")])
    parts = np.split(places, cuts)
    drawn = {name: np.tile(p, (2, 3, 1)) for name, p in zip(VECTORS, parts, strict=True)}
    named = named_draws(drawn, values)
    for k, name in enumerate(values.names):
        assert np.all(named[f"{name}[{k}]"] == values.at[k])


def test_a_leapfrog_step_is_timed_without_what_a_run_takes_besides(case):
    class Stan:
        def sampling(self, *, draws, chains, init, **_):
            assert len(init) == chains
            return {"leapfrogs": 15 * draws, "cpu_s": 0.5 + 0.02 * 15 * draws}

    times, leapfrogs = gradient_times(Stan(), values_of(*case))
    assert times == pytest.approx([0.02] * REPEATS)
    assert leapfrogs == REPEATS * 15 * 10


def _run(shortest_s, **more):
    return {
        "status": "done",
        "import": {"patients": 2, "steps": 100, "longest": 60},
        "compile": {"cpu_s": 1.0, "versions": {"pystan": "3.99"}},
        "gradient": {
            "shortest_s": shortest_s, "median_s": shortest_s, "calls": 9, "peak_rss_mb": 1.0,
            "values": [-10.0, -12.0], "gradients": [[1.0, 2.0], [3.0, 1.0]],
        },
        **more,
    }  # fmt: skip


def _result(stan):
    sampling = {
        "cpu_s": 100.0, "chains": 4, "draws": 250, "tune": 500, "gradients": 10_000,
        "gradients_before": 10, "ess_bulk": 400.0, "least": "x", "ess_tail": 300.0, "r_hat": 1.0,
        "divergences": 0,
    }  # fmt: skip
    machine = {"processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3"}
    return {
        "machine": machine, "load_before_1_5_15_min": [0.0, 0.0, 0.0], "kept": False,
        "settings": {"cohort": "c", "model": "@regimes", "sample_limit": 60.0, "limit": 90.0},
        "ours": _run(0.01, sampling=sampling), "stan": stan,
    }  # fmt: skip


def test_the_page_says_what_was_not_sampled_and_what_was_not_there():
    page = render_page(_result(_run(0.2)))
    assert "plain Stan over this package | 20.0 |" in page
    assert "over plain Stan (derived) | **20.0** |" in page
    assert f"at least {TARGET:g} times Stan's" in page
    assert "would take it 2,000 seconds" in page
    assert "plain model of PyMC was left out" in page
    page = render_page(_result({"status": "not installed"}))
    assert "Stan: not installed; nothing can be compared" in page


def test_the_page_tells_disagreement():
    stan = _run(0.2)
    assert "Both say the same" in render_page(_result(stan))
    stan["gradient"]["values"] = [-11.0, -13.0]
    page = render_page(_result(stan))
    assert "Both say the same" in page
    assert "constant 1 apart" in page.replace("\n", " ")
    stan["gradient"]["values"] = [-10.0, -12.1]
    assert "**They do not say the same**" in render_page(_result(stan))
    stan = _run(0.2)
    stan["gradient"]["gradients"][1][1] = 1.1
    assert "**They do not say the same**" in render_page(_result(stan))
