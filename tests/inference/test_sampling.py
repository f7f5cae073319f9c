"""The guards around the sampler, with samplers that misbehave."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from itb_bayes.errors import ItbBayesError, ModelError
from itb_bayes.inference import sampling
from itb_bayes.inference.sampling import (
    ChainBatch,
    SamplingInterrupted,
    chain_batches,
    check_complete,
    join_batches,
    renumber,
    sample_batch,
)
from itb_bayes.inference.settings import SamplerSettings

SETTINGS = SamplerSettings(draws=60, tune=50, chains=5, target_accept=0.87, seed=4)
BATCH = ChainBatch(first=2, size=2, seed=1)


def trace(chains: int = 2, draws: int = 60) -> xr.DataTree:
    """A trace as nutpie returns it."""
    rng = np.random.default_rng(chains)
    shape = (chains, draws)
    stats = ("energy", "n_steps", "depth", "step_size", "logp", "index_in_trajectory")
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {
                    "x": (("chain", "draw"), rng.standard_normal(shape)),
                    "z": (("chain", "draw", "k"), rng.standard_normal((*shape, 3))),
                },
                coords={"chain": range(chains), "draw": range(draws)},
                attrs={"created_at": "today"},
            ),
            "sample_stats": xr.Dataset(
                {name: (("chain", "draw"), rng.standard_normal(shape)) for name in stats}
                | {"diverging": (("chain", "draw"), np.zeros(shape, bool))},
                coords={"chain": range(chains), "draw": range(draws)},
                attrs={"inference_library_settings": "{}"},
            ),
        }
    )


class FakeSampler:
    """Stands in for a background nutpie sampler; does each of ``events`` at one wait."""

    def __init__(self, *events) -> None:
        self.events = list(events)
        self.cancelled = False

    def wait(self, timeout: float) -> xr.DataTree:
        event = self.events.pop(0)
        if isinstance(event, BaseException):
            raise event
        return event

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def use_sampler(monkeypatch):
    """Let nutpie.sample return a fake sampler, and record its arguments."""
    calls = []

    def use(sampler):
        def sample(compiled, **arguments):
            calls.append(arguments)
            if isinstance(sampler, BaseException):
                raise sampler
            return sampler

        monkeypatch.setattr(sampling.nutpie, "sample", sample)
        return calls

    return use


def test_chains_are_batched_by_number_not_by_cores():
    batches = chain_batches(SETTINGS)
    assert [(b.first, b.size) for b in batches] == [(0, 2), (2, 2), (4, 1)]
    assert len({b.seed for b in batches}) == 3
    assert chain_batches(SETTINGS) == batches
    longer = chain_batches(SamplerSettings(draws=60, tune=50, chains=8, seed=4))
    assert longer[:2] == batches[:2]
    other = chain_batches(SamplerSettings(draws=60, tune=50, chains=5, seed=5))
    assert not {b.seed for b in other} & {b.seed for b in batches}


def test_a_batch_is_sampled_with_all_settings_stated(use_sampler):
    calls = use_sampler(FakeSampler(TimeoutError(), TimeoutError(), trace()))
    tree = sample_batch(None, SETTINGS, BATCH)
    stated = {
        "draws": 60, "tune": 50, "chains": 2, "cores": 2, "seed": 1, "target_accept": 0.87,
        "save_warmup": False, "blocking": False,
    }  # fmt: skip
    assert stated.items() <= calls[0].items()
    assert tree["posterior"]["chain"].to_numpy().tolist() == [2, 3]
    np.testing.assert_array_equal(tree["posterior"]["x"], trace()["posterior"]["x"])


def test_progress_is_summed_over_chains(use_sampler):
    calls = use_sampler(FakeSampler(trace()))
    seen = []
    sample_batch(None, SETTINGS, BATCH, lambda *args: seen.append(args))
    state = [SimpleNamespace(finished_draws=7, divergences=1)] * 2
    calls[0]["progress_callback"](state)
    assert seen == [(14, 2)]


def test_an_interrupt_stops_the_sampler_and_says_so(use_sampler):
    sampler = FakeSampler(TimeoutError(), KeyboardInterrupt())
    use_sampler(sampler)
    with pytest.raises(SamplingInterrupted, match=r"Run the same command\s+again"):
        sample_batch(None, SETTINGS, BATCH)
    assert sampler.cancelled


def test_an_interrupt_before_the_sampler_started(use_sampler):
    use_sampler(KeyboardInterrupt())
    with pytest.raises(SamplingInterrupted):
        sample_batch(None, SETTINGS, BATCH)


def test_no_finite_start_point_is_a_model_error(use_sampler):
    use_sampler(RuntimeError("All initialization points failed: ErrorCode(3)\nBacktrace\n 0: x"))
    with pytest.raises(ModelError, match="no start point") as caught:
        sample_batch(None, SETTINGS, BATCH)
    assert "Backtrace" not in str(caught.value)


def test_another_failure_keeps_its_first_line(use_sampler):
    use_sampler(FakeSampler(RuntimeError("chain 1 panicked\nBacktrace")))
    with pytest.raises(ItbBayesError, match="the sampler stopped: chain 1 panicked") as caught:
        sample_batch(None, SETTINGS, BATCH)
    assert "Backtrace" not in str(caught.value)


def padded(variable: str) -> xr.DataTree:
    """A trace that was stopped: the right shape, one chain padded with NaN at its end."""
    tree = trace()
    tree["posterior"][variable].to_numpy()[1, -1] = np.nan
    return tree


@pytest.mark.parametrize(
    "tree",
    [padded("x"), padded("z"), trace(draws=59), trace(chains=1), trace(draws=61)],
    ids=["NaN", "NaN in a vector", "too short", "a chain missing", "too long"],
)
def test_an_incomplete_trace_is_refused(tree, use_sampler):
    with pytest.raises(SamplingInterrupted, match="incomplete trace"):
        check_complete(tree, SETTINGS, 2)
    use_sampler(FakeSampler(tree))
    with pytest.raises(SamplingInterrupted, match="incomplete trace"):
        sample_batch(None, SETTINGS, BATCH)


def test_a_complete_trace_is_returned():
    tree = trace()
    assert check_complete(tree, SETTINGS, 2) is tree


def test_batches_are_joined_in_order_without_the_samplers_attributes():
    parts = [renumber(trace(2), 0), renumber(trace(1), 2)]
    joined = join_batches(parts)
    posterior = joined["posterior"].to_dataset()
    assert posterior["chain"].to_numpy().tolist() == [0, 1, 2]
    np.testing.assert_array_equal(posterior["z"][2:], trace(1)["posterior"]["z"])
    assert posterior.attrs == {}
    assert "index_in_trajectory" not in joined["sample_stats"]
    assert not joined["sample_stats"]["diverging"].any()
