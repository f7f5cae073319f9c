"""``itb-bayes evaluate`` of a fit on a cohort in parts."""

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from itb_bayes.errors import UsageError

if TYPE_CHECKING:
    from itb_bayes.checks.result import CheckResult
    from itb_bayes.evaluate.distribute import Workplace
    from itb_bayes.inference.regimes_fitted import RegimesFit
    from itb_bayes.report.checks_page import PageHeader

VISITS = "visits"
"""Folder below --out that holds the judged visits of each part."""


def evaluate_parts(
    model: str, cohort: Path, out: Path, seed: int, place: "Workplace", as_json: bool, quiet: bool
) -> None:
    """Judge a fit on a cohort in parts: print verdicts, write evaluation.html.

    Raises
    ------
    UsageError
        If ``model`` is no fit of regimes, or the folder cannot be used.
    """
    from itb_bayes.cli.checks import show_checks
    from itb_bayes.report.checks_page import check_target, write_checks

    if not Path(model).is_dir():
        raise UsageError(
            f"{model} would be fitted again without the patients that are judged, and no fit holds "
            f"a cohort in parts: name a fit to other patients, or one part, {cohort}/part-00000."
        )
    beside = frozenset({VISITS})
    check_target(out, "evaluation", beside)
    header, results = _judge(Path(model), cohort, out, seed, place, quiet)
    show_checks(results, header, as_json, write_checks(results, header, out, beside))


def _judge(
    model: Path, cohort: Path, out: Path, seed: int, place: "Workplace", quiet: bool
) -> "tuple[PageHeader, tuple[CheckResult, ...]]":
    from itb_bayes.cli.evaluate import load_judged_fit
    from itb_bayes.cohort.partitions import Partitions
    from itb_bayes.evaluate.explanations.scores import judged_checks
    from itb_bayes.inference.progress import Progress
    from itb_bayes.registry.judging import judge_registry

    fitted, partitions = load_judged_fit(model), Partitions.open(cohort)
    progress = Progress("parts", partitions.n_parts, quiet=quiet or not sys.stderr.isatty())
    judged, definition = judge_registry(
        fitted, partitions, out / VISITS, place=place,
        on_part=lambda finished, total: progress.update(finished),
    )  # fmt: skip
    progress.finish()
    digest = hashlib.sha256()
    for number in range(partitions.n_parts):
        digest.update(partitions.digest(number).encode())
    cohort_facts = (partitions.name, partitions.synthetic, digest.hexdigest())
    sizes = (partitions.check_identities(), partitions.n_parts)
    header = _header(fitted, cohort_facts, sizes, definition, seed)
    return header, judged_checks(judged, seed)


def _header(
    fitted: "RegimesFit", cohort: tuple[str, bool, str], counts: tuple[int, int], definition: str,
    seed: int,
) -> "PageHeader":  # fmt: skip
    from itb_bayes.cli.evaluate import evaluation_header, explanation_facts, fit_fact

    n_patient, n_parts = counts
    facts = [
        fit_fact(fitted),
        *explanation_facts(f"{n_patient}, in {n_parts} parts", definition),
    ]
    return evaluation_header(fitted.spec, cohort, facts, seed)
