"""The judgement as a page: accuracy, calibration curve and alarms of each target."""

from collections.abc import Iterator
from typing import Any

NAMES = {
    "model": "model",
    "ceiling": "supervised ceiling",
    "rule_100ug": "100 µg/day-per-year rule",
    "ewma_ashworth": "EWMA, Ashworth",
    "cusum_ashworth": "CUSUM, Ashworth",
    "ewma_dose": "EWMA, log dose",
    "cusum_dose": "CUSUM, log dose",
}
TITLES = {"device_fault": "Device fault", "tolerance": "Tolerance", "progression": "Progression"}


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def estimate(item: dict[str, float | None], digits: int = 2, scale: float = 1.0) -> str:
    """Return a figure with its interval."""
    value, low, high = (
        None if item[k] is None else item[k] * scale for k in ("value", "low", "high")
    )
    if value is None:
        return "–"
    return f"{number(value, digits)} ({number(low, digits)} to {number(high, digits)})"


def render_page(result: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    label = "**Synthetic data.** " if result["synthetic"] else ""
    lines = [
        f"# Judgement on `{result['cohort']}`",
        "",
        f"{label}{result['visits_judged']} visits judged; "
        f"{result['visits_without_score']} more had no score; {result['visits_of_confirmation']} on "
        "days on which a device fault was confirmed are left out. Intervals: 95 %, patients "
        "resampled.",
    ]
    for name, target in result["targets"].items():
        lines += ["", f"## {TITLES[name]}", "", *_verdict(target), "", *_accuracy(target)]
        lines += ["", *_curve(target["accuracy"]["model"]), *_alarms(target)]
    return "\n".join([*lines, ""])


def _verdict(target: dict[str, Any]) -> Iterator[str]:
    found, model = target["verdict"], target["accuracy"]["model"]
    yield (
        f"Present at {model['n_positive']} of {model['n_visit']} visits "
        f"({100 * model['base_rate']:.1f} %); {target['n_episode']} episodes with a visit "
        f"({target['n_unseen']} more had none) in {target['patient_years']:.0f} patient-years."
    )
    yield ""
    yield f"- IPA above 0: {_yes(found['ipa_above_zero'])}"
    yield f"- calibration curve inside its band: {_yes(found['curve_inside_band'])}"
    if "with_parameters_unknown" in model:
        wide = model["with_parameters_unknown"]["curve_inside"]
        yield f"- inside the wide band: {_yes(wide)}"
    for point in found["comparators"]:
        left = ", ".join(NAMES[name] for name in point["not_beaten"])
        caught = f"no: {left}" if left else "yes"
        yield f"- catches more episodes than every comparator at {point['point']}: {caught}"
    if found["share_of_ceiling_ipa"] is not None:
        yield f"- share of the ceiling's IPA: {100 * found['share_of_ceiling_ipa']:.0f} %"


def _yes(value: bool) -> str:
    return "yes" if value else "**no**"


def _accuracy(target: dict[str, Any]) -> Iterator[str]:
    yield "| | IPA | AUC | Brier | stated / observed | curve inside band |"
    yield "|---|---|---|---|---|---|"
    for name, item in target["accuracy"].items():
        yield (
            f"| {NAMES[name]} | {estimate(item['ipa'])} | {estimate(item['auc'])} | "
            f"{estimate(item['brier'], 4)} | {estimate(item['expected_over_observed'])} | "
            f"{_yes(item['curve_inside'])} |"
        )
    rate = target["accuracy"]["model"]["base_rate"]
    yield f"| base rate | 0 | 0.50 | {rate * (1 - rate):.4f} | 1 | |"
    for name, item in target["comparator_auc"].items():
        yield f"| {NAMES[name]} | – | {estimate(item)} | – | – | |"


def _curve(model: dict[str, Any]) -> Iterator[str]:
    wide = model.get("with_parameters_unknown", {}).get("curve")
    yield "Calibration curve of the model; the band holds 95 % of perfectly calibrated curves whole."
    if wide:
        yield "The wide band allows for what the fit does not know of the population parameters too."
    yield ""
    more = ("", "") if not wide else (" wide band | inside |", "---|---|")
    yield "| visits | patients | stated | observed | band | inside |" + more[0]
    yield "|---|---|---|---|---|---|" + more[1]
    for k, item in enumerate(model["curve"]):
        yield (
            f"| {item['n_visit']} | {item['n_patient']} | {item['stated']:.3f} | "
            f"{item['observed']:.3f} | {_band(item)}" + (f" {_band(wide[k])}" if wide else "")
        )


def _band(item: dict[str, Any]) -> str:
    return f"{item['band_low']:.3f} to {item['band_high']:.3f} | {_yes(item['inside'])} |"


def _alarms(target: dict[str, Any]) -> Iterator[str]:
    for point in target["alarms"]:
        yield ""
        yield f"Alarms at {point['point']} (others matched to the model's false alarms):"
        yield ""
        yield (
            "| | threshold | false alarms per 100 years | episodes caught | sensitivity | "
            "delay, months | PPV at first alarm | model's gain in sensitivity |"
        )
        yield "|---|---|---|---|---|---|---|---|"
        for name, item in point["scores"].items():
            gain = estimate(item["model_gains"]) if "model_gains" in item else ""
            yield (
                f"| {NAMES[name]} | {number(item['threshold'], 3)} | "
                f"{estimate(item['false_per_100_years'], 1)} | "
                f"{item['n_caught']} of {item['n_episode']} | {estimate(item['sensitivity'])} | "
                f"{estimate(item['delay_months'], 1)} | {estimate(item['ppv'])} | {gain} |"
            )
