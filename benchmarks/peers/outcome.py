"""Outcome of one tool on one cohort, as the driver sees it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What one process took and drew; fields that were not reached are None.

    Attributes
    ----------
    tool : str
    n_patient, draws, tune, chains : int
    status : {"done", "stopped", "failed"}
        "stopped": the time limit was reached.
    import_cpu_s, setup_cpu_s, sampling_cpu_s, wall_s : float or None
        Processor time of imports, of reading, building and compiling, and of warm-up and draws;
        time on the clock of the whole process.
    handing_over_cpu_s : float or None
        The part of sampling in which draws were received from another process as text.
    sampling_wall_s : float or None
    memory_mb : float or None
        Largest memory of the process and its children.
    divergences : int or None
    parameters : mapping
        Per parameter: mean, sd, mcse, ess_bulk, ess_tail, r_hat.
    versions : mapping
    """

    tool: str
    n_patient: int
    draws: int
    tune: int
    chains: int
    status: str
    wall_s: float
    import_cpu_s: float | None
    setup_cpu_s: float | None
    sampling_cpu_s: float | None
    handing_over_cpu_s: float | None
    sampling_wall_s: float | None
    memory_mb: float | None
    divergences: int | None
    parameters: dict[str, dict[str, float]]
    versions: dict[str, str]

    @property
    def is_done(self) -> bool:
        """Whether all draws were made."""
        return self.status == "done"

    @property
    def total_cpu_s(self) -> float:
        """Processor time from the start of the process to the last draw."""
        parts = (self.import_cpu_s, self.setup_cpu_s, self.sampling_cpu_s)
        return sum(part for part in parts if part is not None)

    @property
    def ess_bulk(self) -> float:
        """Smallest bulk effective sample size of the population parameters."""
        return min(p["ess_bulk"] for p in self.parameters.values())

    @property
    def ess_tail(self) -> float:
        """Smallest tail effective sample size."""
        return min(p["ess_tail"] for p in self.parameters.values())

    @property
    def r_hat(self) -> float:
        """Largest R-hat."""
        return max(p["r_hat"] for p in self.parameters.values())

    @property
    def ess_per_cpu_s(self) -> float:
        """Smallest bulk effective sample size per processor second of sampling."""
        return self.ess_bulk / max(self.sampling_cpu_s or 0.0, 1e-3)

    @property
    def ess_per_total_cpu_s(self) -> float:
        """The same per processor second of the whole process."""
        return self.ess_bulk / self.total_cpu_s

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and what is derived from them."""
        derived: dict[str, Any] = {}
        if self.is_done:
            derived = {
                "total_cpu_s": self.total_cpu_s,
                "ess_bulk_min": self.ess_bulk,
                "ess_tail_min": self.ess_tail,
                "r_hat_max": self.r_hat,
                "ess_per_cpu_s": self.ess_per_cpu_s,
                "ess_per_total_cpu_s": self.ess_per_total_cpu_s,
            }
        return {**asdict(self), **derived}


def read_steps(path: Path) -> dict[str, dict[str, Any]]:
    """Return what a child wrote, by step; a line cut short by a kill is left out."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    return {entry.pop("step"): entry for entry in entries}


def outcome_of(
    steps: dict[str, dict[str, Any]],
    status: str,
    wall_s: float,
    memory_mb: float | None,
    **asked: Any,
) -> Outcome:
    """Put together what a child wrote and what the driver saw."""
    summary = steps.get("summary", {})
    sampling = steps.get("sampling", {})
    compiling = sampling.get("compiling_cpu_s", 0.0)
    setup = steps.get("setup", {}).get("cpu_s")
    return Outcome(
        **asked,
        status=status,
        wall_s=wall_s,
        import_cpu_s=steps.get("import", {}).get("cpu_s"),
        setup_cpu_s=None if setup is None else setup + compiling,
        sampling_cpu_s=sampling["cpu_s"] - compiling if sampling else None,
        handing_over_cpu_s=sampling.get("handing_over_cpu_s"),
        sampling_wall_s=sampling.get("wall_s"),
        memory_mb=memory_mb or sampling.get("peak_rss_mb"),
        divergences=summary.get("divergences"),
        parameters=summary.get("parameters", {}),
        versions=summary.get("versions", {}),
    )
