"""Valid cohorts as plain text cells, generated without any code of the package."""

import datetime
from dataclasses import dataclass, field
from random import Random

DIAGNOSES = ("MS", "SCI", "HSP", "HAM", "CP", "TBI", "STROKE", "OTHER")
IDS = ("P{}", "pt-{}", "MRN 00{}", "{}", "é{}", "患者{}", "X/{}", "a.{}", "Ω-{}", "../{}", "{}'s")


@dataclass
class Sheet:
    """One table: a header and rows of text cells."""

    header: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """Return the cells under a name."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]


Sheets = dict[str, Sheet]


def generate(rng: Random) -> Sheets:
    """Return the tables of a valid cohort of one to five patients, in random shape."""
    dated = rng.random() < 0.5
    form = rng.choice(IDS)
    ids = [form.format(k + 1) for k in range(rng.randint(1, 5))]
    begin = {p: datetime.date(2005, 1, 1) + datetime.timedelta(rng.randint(0, 3000)) for p in ids}
    sheets = {
        "patients": _patients(rng, ids, begin, dated),
        "doses": _doses(rng, ids, begin, dated),
    }
    for name, make in (("assessments", _assessments), ("refills", _refills), ("events", _events)):
        if rng.random() < 0.5:
            sheets[name] = make(rng, ids, begin, dated)
    for sheet in sheets.values():
        _shuffle_columns(rng, sheet)
        if rng.random() < 0.1:
            sheet.header.append("x_" + rng.choice(["note", "a,b", 'quo"te', "line"]))
            sheet.rows = [
                [*row, rng.choice(["", "n", "a, b", 'he said "x"', "ü"])] for row in sheet.rows
            ]
    return sheets


def _patients(rng: Random, ids: list[str], begin: dict[str, datetime.date], dated: bool) -> Sheet:
    optional = {
        "centre": lambda p: rng.choice(["", "North", "South", "Åre, Ö"]),
        "sex": lambda p: rng.choice(["F", "M", ""]),
        "age_at_implant": lambda p: rng.choice(
            ["", str(rng.randint(1, 90)), f"{rng.uniform(1, 90):.3f}"]
        ),
        "ambulatory": lambda p: rng.choice(["true", "false", "", "yes", "no", "1", "0", "TRUE"]),
        "catheter_model": lambda p: rng.choice(["", "A-1", "=B2", "+c", "@d", "-e"]),
        "exit_reason": lambda p: rng.choice(["", "alive", "lost"]),
    }
    chosen = [name for name in optional if rng.random() < 0.6]
    header = ["patient_id", "diagnosis", *(["implant_date"] if dated else []), *chosen]
    rows = [
        [
            p,
            rng.choice(DIAGNOSES),
            *([begin[p].isoformat()] if dated else []),
            *(optional[c](p) for c in chosen),
        ]
        for p in ids
    ]
    return Sheet(header, rows)


def _time(rng: Random, begin: datetime.date, day: int, dated: bool) -> str:
    if dated:
        text = (begin + datetime.timedelta(day)).isoformat()
        return text + rng.choice(["", "", "", "T08:30", " 12:00:00"])
    return rng.choice([f"{day / 365.25:.6f}", f"{day / 365.25:.3f}", repr(day / 365.25)])


def _doses(rng: Random, ids: list[str], begin: dict[str, datetime.date], dated: bool) -> Sheet:
    unit = rng.choice([None, None, "ug/day", "mg/day", "µg/day", "mcg/day"])
    extra = [c for c in ("mode", "concentration_ug_ml") if rng.random() < 0.4]
    header = [
        "patient_id",
        "date" if dated else "t_years",
        "daily_dose_ug",
        *extra,
        *(["unit"] if unit else []),
    ]
    rows = []
    for p in ids:
        level = rng.uniform(80, 300)
        for k in range(rng.randint(1, 6)):
            dose = level * (1 + 0.1 * rng.random())
            text = (
                f"{dose / 1000:.5f}"
                if unit == "mg/day"
                else rng.choice([f"{dose:.0f}", f"{dose:.2f}", f"{dose:.3e}"])
            )
            cells = {
                "mode": rng.choice(["", "simple"]),
                "concentration_ug_ml": rng.choice(["", "500", "2000.0"]),
            }
            time = _time(rng, begin[p], k * 180 + rng.randint(0, 90), dated)
            rows.append([p, time, text, *(cells[c] for c in extra), *([unit] if unit else [])])
    if rng.random() < 0.3:
        rng.shuffle(rows)
    return Sheet(header, rows)


def _assessments(
    rng: Random, ids: list[str], begin: dict[str, datetime.date], dated: bool
) -> Sheet:
    header = ["patient_id", "date" if dated else "t_years", "scale", "value", "muscle"]
    rows = []
    for p in ids:
        for k in range(rng.randint(0, 4)):
            scale = rng.choice(["ashworth_1_5", "ashworth_0_4", "mas", "penn", "edss"])
            value = rng.choice(
                {"mas": ["0", "1", "1+", "2", "4"], "edss": ["0", "6.5", "10"]}.get(
                    scale, ["1", "2", "3.0", "4"]
                )
            )
            time = _time(rng, begin[p], k * 100 + rng.randint(0, 50), dated)
            rows.append([p, time, scale, value, rng.choice(["", "adductors", "m, l"])])
    return Sheet(header, rows)


def _refills(rng: Random, ids: list[str], begin: dict[str, datetime.date], dated: bool) -> Sheet:
    header = [
        "patient_id",
        "date" if dated else "t_years",
        "expected_residual_ml",
        "actual_residual_ml",
    ]
    rows = [
        [
            p,
            _time(rng, begin[p], 60 + k * 90, dated),
            f"{rng.uniform(1, 5):.1f}",
            f"{rng.uniform(1, 5):.2f}",
        ]
        for p in ids
        for k in range(rng.randint(0, 3))
    ]
    return Sheet(header, rows)


def _events(rng: Random, ids: list[str], begin: dict[str, datetime.date], dated: bool) -> Sheet:
    header = ["patient_id", "date" if dated else "t_years", "event", "detail"]
    kinds = (
        ("trigger", "uti"),
        ("dye_study", "negative"),
        ("infection", ""),
        ("tolerance_diagnosed", "free, text"),
    )
    rows = []
    for p in ids:
        for k in range(rng.randint(0, 3)):
            event, detail = rng.choice(kinds)
            rows.append([p, _time(rng, begin[p], 200 + 100 * k, dated), event, detail])
    return Sheet(header, rows)


def _shuffle_columns(rng: Random, sheet: Sheet) -> None:
    if rng.random() < 0.3:
        order = list(range(len(sheet.header)))
        rng.shuffle(order)
        sheet.header = [sheet.header[k] for k in order]
        sheet.rows = [[row[k] for k in order] for row in sheet.rows]
