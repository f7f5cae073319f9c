"""Damage to cells, rows and headers, before anything is written."""

from random import Random

from fuzz.sheets import Sheet, Sheets

CELLS = (
    "", " ", "\t", "0", "-0", "-0.0", "-1", "+5", "nan", "NaN", "inf", "-Infinity", "1e999", "1e-999", "1E5",
    "9" * 400, "9" * 5000, "0x10", "1_000", "1,5", "1.234,56", "1 000", "1'000", "1,000", "1\u00a0000", "１２３",
    "٣٤", "½", "1e5000", "1.5.2", "--1", "1+", "5 µg", "120ug", "=1+1", "=cmd|' /C calc'!A0", "#REF!", "#N/A",
    "#DIV/0!", "NA", "None", "null", "TRUE", "true ", "2010-01-01", "01/02/2010", "2010-1-1", "2010-02-30",
    "0000-00-00", "9999-12-31", "1900-01-00", "10000-01-01", "2010-01-01T25:61", "2010-01-01T08:30+02:00", "40179",
    "20100101", "2010W011", "2010-01-01 08:30:00.123456789", "\u202e2010-01-01", "P1\u200b", "P1 ", " P1", "p1",
    "P\u0661", "\ufeffP1", "a\nb", "a\rb", "a\r\nb", 'a"b', '"', "a,b", "a;b", "\x01", "\x7f", "\x85", "\u2028",
    "\ud7ff", "\U0001f600", "e\u0301", "é", "x" * 200, "x" * 10_001, "../../etc/passwd", "MS", "ms", "mas", "death",
    "explant", "lost", "holiday_start", "ashworth_1_5", "mg/day", "ug/h", "unit", "patient_id", "0.0001", "10000",
    "100000", "1e308", "4.9e-324", "123456789012345678901234567890", "1.0000000000000000000001",
)  # fmt: skip
HEADERS = (
    "", " ", "patient_id", "PATIENT_ID", "patient id", "date", "t_years", "daily_dose_ug", "dose", "unit", "x_", "x_a",
    "value", "last_seen", "t_last_seen", "implant_date", "\ufeffpatient_id", "a\nb", "=1", "\u200bdate", "event", "N" * 300,
    "mode", "basal_ug_day", "bolus_ug", "boluses_per_day", "n_muscles", "reservoir_ml",
)  # fmt: skip


def damage(rng: Random, sheets: Sheets) -> list[str]:
    """Damage a cohort in place at one to four places; return what was done."""
    return [_damage_once(rng, sheets) for _ in range(rng.choice([1, 1, 1, 2, 3, 4]))]


def _damage_once(rng: Random, sheets: Sheets) -> str:
    name = rng.choice(sorted(sheets))
    sheet = sheets[name]
    act = rng.choice(_ACTS)
    act(rng, sheet)
    return f"{name}: {act.__name__.strip('_')}"


def _cell(rng: Random, sheet: Sheet) -> None:
    if sheet.rows and sheet.header:
        row = rng.choice(sheet.rows)
        if row:
            row[rng.randrange(len(row))] = rng.choice(CELLS)


def _swap_cells(rng: Random, sheet: Sheet) -> None:
    if len(sheet.rows) > 1:
        one, two = rng.sample(sheet.rows, 2)
        at = rng.randrange(min(len(one), len(two)) or 1)
        if at < len(one) and at < len(two):
            one[at], two[at] = two[at], one[at]


def _characters(rng: Random, sheet: Sheet) -> None:
    if sheet.rows:
        row = rng.choice(sheet.rows)
        if row:
            at = rng.randrange(len(row))
            text = row[at]
            cut = rng.randint(0, len(text))
            row[at] = (
                text[:cut]
                + rng.choice(["", " ", "\u00a0", ".", "-", "0", "\u200d", "'", "\x0b"])
                + text[cut + rng.randint(0, 1) :]
            )


def _drop_row(rng: Random, sheet: Sheet) -> None:
    if sheet.rows:
        sheet.rows.pop(rng.randrange(len(sheet.rows)))


def _double_row(rng: Random, sheet: Sheet) -> None:
    if sheet.rows:
        sheet.rows.insert(rng.randint(0, len(sheet.rows)), list(rng.choice(sheet.rows)))


def _blank_row(rng: Random, sheet: Sheet) -> None:
    sheet.rows.insert(rng.randint(0, len(sheet.rows)), [rng.choice(["", " "])] * len(sheet.header))


def _ragged(rng: Random, sheet: Sheet) -> None:
    if sheet.rows:
        row = rng.choice(sheet.rows)
        if rng.random() < 0.5:
            row.append(rng.choice(["", "extra"]))
        elif row:
            row.pop()


def _rename(rng: Random, sheet: Sheet) -> None:
    if sheet.header:
        sheet.header[rng.randrange(len(sheet.header))] = rng.choice(HEADERS)


def _drop_column(rng: Random, sheet: Sheet) -> None:
    if sheet.header:
        at = rng.randrange(len(sheet.header))
        sheet.header.pop(at)
        sheet.rows = [[*row[:at], *row[at + 1 :]] for row in sheet.rows]


def _add_column(rng: Random, sheet: Sheet) -> None:
    sheet.header.append(rng.choice(HEADERS))
    sheet.rows = [[*row, rng.choice(CELLS[:40])] for row in sheet.rows]


def _empty(rng: Random, sheet: Sheet) -> None:
    if rng.random() < 0.5:
        sheet.rows.clear()
    else:
        sheet.header.clear()


_ACTS = (_cell, _cell, _cell, _cell, _cell, _characters, _characters, _swap_cells, _drop_row, _double_row,
         _blank_row, _ragged, _rename, _drop_column, _add_column, _empty)  # fmt: skip
