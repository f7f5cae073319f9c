"""Reporting a registry in parts: time, memory at two sizes, and the whole command killed half-way.

usage: python benchmarks/registry_report.py FIT [PATIENTS] [PATIENTS_PER_PART]

Writes ``docs/results/registry-report.md``. FIT is a fit of ``@regimes``. Patients are simulated by
``clinic-small`` over three years, a quarter of PATIENTS first, then all; one process draws.
"""

import sys
import tempfile
from pathlib import Path

from measured import Run, measured
from peers.machine import describe_machine

RESULT = Path(__file__).resolve().parent.parent / "docs/results/registry-report.md"
REGISTRY = 100_000


def pages(folder: Path) -> dict[str, bytes]:
    """Return every file of a report but its lock, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def main(fit: str, n_large: int, size: int) -> None:
    """Measure, and write the page."""
    n_small = max(n_large // 4, 2 * size)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        runs = {}
        for n in (n_small, n_large):
            parts = work / f"{n}-parts"
            measured(
                "data", "simulate", "clinic-small", "--patients", str(n), "--years", "3",
                "--patients-per-part", str(size), "--out", str(parts),
            )  # fmt: skip
            report = ("report", fit, "--cohort", str(parts), "--out")
            runs[n] = measured(*report, str(work / f"{n}-pages"))
            print(n, runs[n], flush=True)
        report = ("report", fit, "--cohort", str(work / f"{n_small}-parts"), "--out")
        out = work / "killed"
        measured(*report, str(out), kill_after=out / f"part-{n_small // size // 2 - 1:05d}")
        left = len(list(out.glob("part-*")))
        again = measured(*report, str(out))
        whole = pages(work / f"{n_small}-pages")
        same = pages(out) == whole
        size_mb = sum(map(len, whole.values())) / 1e6
        sizes = [(work / f"{n}-pages/index.html").stat().st_size / 1e3 for n in (n_small, n_large)]
    text = page(runs, (n_small, n_large, size), (left, again, same), size_mb, sizes)
    RESULT.write_text(text, encoding="utf-8", newline="\n")
    print(text)


def page(
    runs: dict[int, Run], counts: tuple[int, int, int], killed: tuple[int, Run, bool],
    size_mb: float, sizes: list[float],
) -> str:  # fmt: skip
    """Return the result page."""
    machine = describe_machine()
    n_small, n_large, size = counts
    left, again, same = killed
    few, many = runs[n_small], runs[n_large]
    each = (many.cpu_s - few.cpu_s) / (n_large - n_small)
    hours = REGISTRY * each / 3600
    verdict = "the same files to the last byte" if same else "OTHER FILES: a defect"
    return f"""# Registry reports

SYNTHETIC patients of `clinic-small`, three years of records, in parts of {size}, reported by a fit of
`@regimes` in one process: pages, documents, a list for each part, and the list of whom to look at
first.

```console
python benchmarks/registry_report.py FIT {n_large} {size}
```

| patients | parts | on the clock, s | processor time, s | peak memory, MB | list of all, kB |
|--:|--:|--:|--:|--:|--:|
| {n_small} | {-(-n_small // size)} | {few.wall_s:.0f} | {few.cpu_s:.0f} | {few.peak_mb:.0f} | {sizes[0]:.0f} |
| {n_large} | {-(-n_large // size)} | {many.wall_s:.0f} | {many.cpu_s:.0f} | {many.peak_mb:.0f} | {sizes[1]:.0f} |

{machine["processor"]}, {machine["cores"]} cores, shared with other work: processor time is the figure to
compare, the clock is not. Memory counts the command and whatever it starts. It grows with the size
of a part (all patients of a part, twenty at a time), not with the number of parts; the list of all
names 300 patients and every part, however many patients there are.

**A patient costs {1000 * each:.0f} ms of processor time** and {1000 * size_mb / n_small:.0f} kB of disk.
{REGISTRY:,} patients were not run: by extrapolation they take {hours:.0f} processor hours and
{size_mb / n_small * REGISTRY / 1000:.0f} GB. Before the first part the fitted patients are summarised once.

The whole command was killed (SIGKILL) when {left} of {-(-n_small // size)} parts were finished. Run again, it
wrote the others ({again.cpu_s:.0f} s of processor time against {few.cpu_s:.0f}), and the folder holds
{verdict} of a run that nobody killed.
"""


if __name__ == "__main__":
    arguments = sys.argv[2:]
    main(
        sys.argv[1],
        int(arguments[0]) if arguments else 400,
        int(arguments[1]) if len(arguments) > 1 else 20,
    )
