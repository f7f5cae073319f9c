"""Simultaneous bands hold what they promise."""

import numpy as np
import pytest
from scipy.stats import kstest

from itb_bayes.checks.bands import ecdf_at, grid_of, rank_band, rank_ecdf, uniform_band


@pytest.mark.parametrize("n", [12, 41, 300])
def test_uniform_band_covers_whole_curves(n: int) -> None:
    rng = np.random.default_rng(8)
    band = uniform_band(n)
    held = [band.holds(ecdf_at(rng.random(n), band.z)) for _ in range(2000)]
    # Binomial error of 2,000 trials is 0.5 points; counts are discrete, so a little above 95 %.
    assert 0.935 <= np.mean(held) <= 0.985


def test_wider_probability_gives_wider_band() -> None:
    narrow, wide = uniform_band(50, 0.8), uniform_band(50, 0.99)
    assert (wide.low <= narrow.low).all()
    assert (wide.high >= narrow.high).all()
    assert (wide.high - wide.low).mean() > (narrow.high - narrow.low).mean()


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_band_finds_a_shift(power: float) -> None:
    u = np.random.default_rng(1).random(200) ** power
    band = uniform_band(200)
    assert kstest(u, "uniform").pvalue < 1e-6
    assert not band.holds(ecdf_at(u, band.z))


def test_rank_band_covers_all_chains_together() -> None:
    rng = np.random.default_rng(9)
    band = rank_band(50, 4)
    held = [
        all(band.holds(curve) for curve in rank_ecdf(rng.standard_normal((4, 50)), band.z))
        for _ in range(400)
    ]
    assert 0.92 <= np.mean(held) <= 0.995


def test_rank_band_finds_a_chain_apart() -> None:
    draws = np.random.default_rng(2).standard_normal((4, 100))
    draws[2] += 1.0
    band = rank_band(100, 4)
    held = [band.holds(curve) for curve in rank_ecdf(draws, band.z)]
    assert not held[2]


def test_rank_ecdf_counts_ranks() -> None:
    draws = np.array([[1.0, 4.0], [2.0, 3.0]])
    curves = rank_ecdf(draws, np.array([0.25, 0.5, 0.75]))
    np.testing.assert_allclose(curves, [[0.5, 0.5, 0.5], [0.0, 0.5, 1.0]])


def test_ecdf_counts_values_up_to_a_point() -> None:
    np.testing.assert_allclose(
        ecdf_at(np.array([0.3, 0.1, 0.1]), np.array([0.1, 0.2, 0.3])), [2 / 3, 2 / 3, 1.0]
    )


def test_grid_is_never_finer_than_the_sample() -> None:
    np.testing.assert_allclose(grid_of(4), [0.25, 0.5, 0.75])
    assert grid_of(5000).size == 99


@pytest.mark.parametrize("arguments", [(0, 0.95), (10, 1.0), (10, 0.0)])
def test_uniform_band_refuses(arguments: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        uniform_band(*arguments)


def test_rank_band_refuses_no_chain() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        rank_band(10, 0)
