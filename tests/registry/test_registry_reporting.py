"""Reports in parts: the pages of the whole, nothing lost, nothing stale, nothing half there."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from drift_cases import run_command, write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.partitions import Partitions, partition_cohort
from itb_bayes.errors import CohortError, GateError, NobodyOnRecord, UsageError
from itb_bayes.evaluate.distribute import Workplace
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.registry import reporting
from itb_bayes.registry.lookalikes import shared_looks
from itb_bayes.registry.page_folder import PageFolder, whole_part
from itb_bayes.registry.reporting import ReportRequest, report_registry
from itb_bayes.report.document import PatientDocument, patient_from_json
from itb_bayes.report.folder import MARKER_FILE, finished_of
from itb_bayes.report.index_document import index_from_json
from itb_bayes.report.registry_document import merge_lists, registry_from_json
from itb_bayes.report.writing import write_report
from killed_workers import kill_workers
from regimes_fits import make_regimes_fit, regimes_tables, save_regimes_fit, small_regimes_fit


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return Cohort.read(write_cohort(tmp_path_factory.mktemp("r") / "small", regimes_tables()))


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> RegimesFit:
    return small_regimes_fit(tmp_path_factory.mktemp("made") / "small", draws=30, width=0.05)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, fit: RegimesFit) -> Path:
    return save_regimes_fit(fit, tmp_path_factory.mktemp("sealed") / "fit")


@pytest.fixture
def parts(cohort: Cohort, tmp_path: Path) -> Partitions:
    return partition_cohort(cohort, tmp_path / "parts", 2)


@pytest.fixture(scope="module")
def whole(fit: RegimesFit, cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report in three parts that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    report_registry(fit, partition_cohort(cohort, folder / "parts", 2), folder / "out")
    return folder / "out"


def files(folder: Path) -> dict[str, bytes]:
    """Return all files of a report but its lock, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def documents(folder: Path) -> Iterator[PatientDocument]:
    for path in sorted(folder.rglob("pt-*.json")):
        yield patient_from_json(path.read_text(encoding="utf-8"))


def test_pages_are_those_of_the_whole_cohort(
    whole: Path, fit: RegimesFit, cohort: Cohort, tmp_path: Path
) -> None:
    """But for the digest of the data and the simulated centiles, drawn to another last year."""
    write_report(fit, tmp_path / "once", unseen=cohort)
    once = {document.page_id: document for document in documents(tmp_path / "once")}
    found = list(documents(whole))
    assert len(found) == len(once) == 6
    for document in found:
        other = once[document.page_id]
        digest = document.provenance.data_digest
        other = replace(other, provenance=replace(other.provenance, data_digest=digest))
        if other.group is not None:
            assert document.group is not None
            other = replace(other, group=replace(other.group, centiles=document.group.centiles))
        assert document == other


def test_pages_do_not_depend_on_the_size_of_a_part(
    whole: Path, fit: RegimesFit, cohort: Cohort, tmp_path: Path
) -> None:
    report_registry(fit, partition_cohort(cohort, tmp_path / "p", 6), tmp_path / "out")
    nobody = {d.page_id: replace(d, provenance=None) for d in documents(tmp_path / "out")}
    assert nobody == {d.page_id: replace(d, provenance=None) for d in documents(whole)}


def test_the_list_puts_the_first_of_all_parts_on_top(whole: Path) -> None:
    text = (whole / "index.json").read_text(encoding="utf-8")
    index = registry_from_json(text)
    lists = [
        (f"part-{k:05d}", index_from_json((whole / f"part-{k:05d}/index.json").read_text()))
        for k in range(3)
    ]
    rows = [(row, folder) for folder, part in lists for row in part.patients]
    chances = [row.chance for row in index.listed.patients]
    known = [chance for chance in chances if chance is not None]
    assert known == sorted(known, reverse=True)
    assert len(chances) == index.n_patients == len(rows) == 6
    assert {(r.page_id, f) for r, f in rows} == {
        (row.page_id, folder)
        for row, folder in zip(index.listed.patients, index.folders, strict=True)
    }
    for row, folder in zip(index.listed.patients, index.folders, strict=True):
        assert f'href="{folder}/{row.page_id}.html"' in (whole / "index.html").read_text()
        assert (whole / folder / f"{row.page_id}.html").is_file()
    assert sum(part.n_patients for part in index.parts) == 6
    chosen = next(row for row in index.listed.workload if row.chosen)
    assert sum(part.n_flagged for part in index.parts) == chosen.n_flagged
    assert index.mean_chance is None, "six patients are too few for a mean"
    few = merge_lists(lists, 0.2, top=2)
    assert few.listed.patients == index.listed.patients[:2]
    assert (few.n_patients, few.parts, few.listed.workload) == (
        6, index.parts, index.listed.workload
    )  # fmt: skip
    part = (whole / "part-00001/index.html").read_text(encoding="utf-8")
    assert 'part-00001 of this report. <a href="../index.html">' in part


def test_a_killed_run_goes_on_and_only_changed_parts_are_written_again(
    whole: Path, fit: RegimesFit, parts: Partitions, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out, report_part = tmp_path / "out", reporting.report_part

    def stop(shared, number):
        if number == 2:
            raise KeyboardInterrupt
        return report_part(shared, number)

    told: list[tuple[str, int, int]] = []
    with monkeypatch.context() as patched:
        patched.setattr(reporting, "report_part", stop)
        with pytest.raises(KeyboardInterrupt):
            report_registry(fit, parts, out, on_progress=lambda *step: told.append(step))
    assert [step for step in told if step[0] == "parts"] == [("parts", k, 3) for k in range(3)]
    (out / ".part-00002-half").mkdir()
    (out / ".part-00002-half/index.html").write_text("half")
    assert report_registry(fit, parts, out).written_now == 1
    assert files(out) == files(whole)
    assert report_registry(fit, parts, out).written_now == 0
    next((out / "part-00000").glob("pt-*.html")).unlink()
    (parts.part(1) / "refills.parquet").unlink()
    again = report_registry(fit, parts, out)
    assert again.written_now == 2
    assert len(list(documents(out))) == 6


def test_a_command_that_is_killed_leaves_nothing_half_written(
    whole: Path, sealed: Path, parts: Partitions, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["report", str(sealed), "--cohort", str(parts.folder), "--out", str(out)]
    command = [sys.executable, "-c", "from itb_bayes.cli.main import run; run()", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (out / "part-00000").is_dir():
            time.sleep(0.01)
        process.kill()
    assert not (out / "index.html").exists()
    for path in out.glob("part-*"):
        assert files(path) == files(whole / path.name)
    done = run_command(*words, "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["parts_written_now"] in (1, 2)
    assert files(out) == files(whole)


def test_patients_that_look_alike_in_two_parts_are_told_apart(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    for path in parts.part(2).glob("*.parquet"):
        table = pq.read_table(path).to_pandas()
        table["patient_id"] = table["patient_id"].replace("R5", "r1")
        table.to_parquet(path, index=False)
    assert shared_looks(parts) == {0: frozenset({"r1"}), 2: frozenset({"r1"})}
    report_registry(fit, parts, tmp_path / "out")
    labels = {d.patient_id: (d.label, d.page_id) for d in documents(tmp_path / "out")}
    assert labels["R2"][0] == "R2"
    for who in ("R1", "r1"):
        assert labels[who][0] == f"{who} ({labels[who][1]})"


def test_one_bad_part_does_not_cost_the_others(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    doses = parts.part(1) / "doses.parquet"
    table = pq.read_table(doses).to_pandas()
    table.loc[0, "daily_dose_ug"] = -217.4391
    table.to_parquet(doses, index=False)
    with pytest.raises(CohortError, match="1 of 3 parts were not reported") as told:
        report_registry(fit, parts, tmp_path / "out")
    assert "part-00001: breaks the data contract" in str(told.value)
    assert "217" not in str(told.value)
    assert sorted(p.name for p in (tmp_path / "out").glob("part-*")) == ["part-00000", "part-00002"]
    assert not (tmp_path / "out/index.html").exists()


def test_folders_of_others_are_left_alone(
    fit: RegimesFit, cohort: Cohort, parts: Partitions, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    report_registry(fit, parts, out)
    with pytest.raises(UsageError, match="holds pages with another threshold"):
        report_registry(fit, parts, out, ReportRequest(threshold=0.5))
    (out / "part-00002/notes.txt").write_text("mine")
    fewer = partition_cohort(cohort, tmp_path / "fewer", 3)
    with pytest.raises(UsageError, match="part-00002 is to be made again or removed"):
        report_registry(fit, fewer, out)
    (out / "part-00002/notes.txt").unlink()
    made = report_registry(fit, fewer, out)
    assert (made.written_now, made.index.n_patients) == (2, 6)
    assert sorted(p.name for p in out.glob("part-*")) == ["part-00000", "part-00001"]
    (out / "part-00001").rename(tmp_path / "elsewhere")
    (out / "part-00001").write_text("a file")
    with pytest.raises(UsageError, match="holds files that no report has made"):
        report_registry(fit, fewer, out)
    held = PageFolder(tmp_path / "held", {}, "pages")
    with held.hold(), pytest.raises(UsageError, match="writing pages into"), held.hold():
        pass


def test_two_processes_that_make_the_same_part_do_not_mix(tmp_path: Path) -> None:
    """The second finds the part finished, and leaves it."""
    marker = json.dumps({"itb_bayes_report": 1, "files": [], "made_of": "digest"})
    with whole_part(tmp_path, 0, "digest") as slow:
        with whole_part(tmp_path, 0, "digest") as fast:
            (fast / MARKER_FILE).write_text(marker)
        kept = (tmp_path / "part-00000" / MARKER_FILE).stat().st_ino
        (slow / MARKER_FILE).write_text(marker)
    assert [p.name for p in tmp_path.iterdir()] == ["part-00000"]
    assert (tmp_path / "part-00000" / MARKER_FILE).stat().st_ino == kept
    assert finished_of(tmp_path / "part-00000") == "digest"
    with whole_part(tmp_path, 0, "other") as newer:
        (newer / MARKER_FILE).write_text(marker.replace("digest", "other"))
    assert finished_of(tmp_path / "part-00000") == "other"
    with pytest.raises(UsageError, match="cannot write to"), whole_part(tmp_path / "no", 0, ""):
        pass


def test_a_part_is_as_of_the_time_that_was_asked_for(
    fit: RegimesFit, parts: Partitions, tmp_path: Path
) -> None:
    report_registry(fit, parts, tmp_path / "out", ReportRequest(as_of=1.0))
    assert max(document.as_of_years for document in documents(tmp_path / "out")) <= 1.0


def test_a_part_where_nobody_has_a_dose_by_then_has_an_empty_list(
    fit: RegimesFit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = regimes_tables()
    doses = tables["doses.csv"].splitlines()
    late = [line for line in doses[1:] if line.startswith(("R3,", "R4,"))]
    kept = [doses[0], *(line for line in doses[1:] if line not in late)]
    for who in ("R3", "R4"):
        last = [line for line in late if line.startswith(f"{who},")][-1]
        kept.append(last)
    tables["doses.csv"] = "\n".join([*kept, ""])
    cohort = Cohort.read(write_cohort(tmp_path / "late", tables))
    parts = partition_cohort(cohort, tmp_path / "parts", 2)
    first = float(cohort.doses.loc[cohort.doses["patient_id"].isin(["R3", "R4"]), "t_years"].min())
    made = report_registry(fit, parts, tmp_path / "out", ReportRequest(as_of=first - 0.1))
    assert (made.index.n_patients, len(made.index.parts)) == (4, 3)
    own = index_from_json((tmp_path / "out/part-00001/index.json").read_text(encoding="utf-8"))
    assert (own.patients, own.n_set_aside) == ((), 2)
    assert (tmp_path / "out/part-00001/index.html").is_file()

    def nobody(*arguments, **settings):
        raise NobodyOnRecord("no patient has a dose on record.")

    monkeypatch.setattr(reporting, "plan_scoring", nobody)
    with pytest.raises(UsageError, match=r"has a dose on record by 0\.5; choose a later --as-of"):
        report_registry(fit, parts, tmp_path / "none", ReportRequest(as_of=0.5))


def test_the_command(sealed: Path, parts: Partitions, fit: RegimesFit, tmp_path: Path) -> None:
    words = ("report", sealed, "--cohort", parts.folder, "--out", tmp_path / "out")
    for options, told in (
        (("--patient", "R4"), f"--cohort {parts.part(1)}"),
        (("--patient", "nobody"), "no part holds this patient"),
        (("--since", tmp_path), "--since is for cohorts that are reported at once"),
        (("--refit",), "--refit is for cohorts that are reported at once"),
        (("--dates", parts.part(0)), "leave --dates out"),
        (("--also", "fhir-r5"), "FHIR needs dates"),
    ):
        refused = run_command(*words, *options)
        assert (refused.code, told in " ".join(refused.stderr.split())) == (2, True), told
    refused = run_command("report", sealed, "--out", tmp_path / "x", "--scheduler", "tcp://h:1")
    assert (refused.code, "--scheduler is for a cohort in parts" in refused.stderr) == (2, True)
    done = run_command(*words, "--also", "csv")
    assert done.code == 0, done.stderr
    assert "SYNTHETIC DATA" in done.stdout
    assert "6 patients" in done.stdout
    assert "in 3 parts, 3 of them written now" in done.stdout
    assert "as of their own last record, however old" in done.stdout
    assert len(list((tmp_path / "out").glob("part-*/numbers.csv"))) == 3
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out/index.html").stat().st_mode & 0o777 == 0o600
    failed = make_regimes_fit(fit.plan, passed=False, draws=30, width=0.05)
    with pytest.raises(GateError):
        report_registry(failed, parts, tmp_path / "failed")


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(fit: RegimesFit, cohort: Cohort, tmp_path: Path) -> None:
    parts = partition_cohort(cohort, tmp_path / "single", 1)
    report_registry(fit, parts, tmp_path / "alone")
    killed: list[int] = []

    def kill_once(phase: str, done: int, total: int) -> None:
        if phase == "parts" and done and not killed:
            killed.append(kill_workers())

    report_registry(fit, parts, tmp_path / "out", place=Workplace(2), on_progress=kill_once)
    assert killed == [2]
    assert files(tmp_path / "out") == files(tmp_path / "alone")
