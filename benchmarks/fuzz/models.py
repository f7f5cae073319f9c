"""Damage to model files, and what must hold of a model that was accepted all the same."""

import copy
import tomllib
from pathlib import Path
from random import Random
from typing import Any

from fuzz.oracle import WrongSuccess
from itb_bayes.resources import models_dir
from itb_bayes.spec import ModelSpec, load_model
from itb_bayes.spec.writing import model_toml

NAMES = sorted(path.stem for path in models_dir().glob("*.toml"))
TEXTS = {name: (models_dir() / f"{name}.toml").read_text(encoding="utf-8") for name in NAMES}
VALUES = (
    0, 1, -1, 2, 10**6, 10**30, 0.0, -0.0, 0.5, 1e-300, 1e308, float("inf"), float("-inf"), float("nan"), True, False,
    "", "auto", "none", "ou", "normal", "lognormal", "beta", "log", "x" * 2000, "../../x", "@drift", "é", "$(id)",
    "__import__('os')", [], [1], [1, 2], [2, 1], [0, 0], [-3.0, 9.0], ["a"], [[1]], {}, {"a": 1}, {"mu": 0.0, "sigma": 1.0},
    {"alpha": 2.0, "beta": 2.0}, {"sigma": 1e-12}, 1979,
)  # fmt: skip
SNIPPETS = (
    "[", "]", "{", "}", "=", '"', '"""', "'''", "#", "\n", "\r\n", "\r", "\t", "\x00", "\ufeff", "a.b.c = 1\n", "[[x]]\n",
    "[priors]\n", "[priors.level]\n", "extends = '@drift'\n", "extends = '../drift.toml'\n", "remove = ['priors.level']\n",
    "x = " + "[" * 5000, "x = " + "9" * 5000, "1e400", "nan", "inf", "2010-01-01", "\\u0041", "\\x41", "\U0001f600",
    "format = 2\n", "kind = 'drift'\n", "_ = 1\n",
)  # fmt: skip


def write_damaged(rng: Random, folder: Path) -> tuple[Path, str]:
    """Write a damaged copy of a shipped model file; return it and what was done."""
    name = rng.choice(NAMES)
    path = folder / "mine.toml"
    if rng.random() < 0.5:
        text = TEXTS[name]
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(text) + 1)
            cut = rng.choice([0, 0, 1, 3, 30, 300])
            text = text[:at] + rng.choice(SNIPPETS) + text[at + cut :]
        data = bytearray(text.encode("utf-8"))
        if rng.random() < 0.1 and data:
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data))
        return path, f"text of {name}"
    content = tomllib.loads(TEXTS[name])
    for _ in range(rng.choice([1, 1, 2, 4])):
        _mutate(rng, content)
    path.write_text(_toml(content), encoding="utf-8", newline="\n")
    return path, f"content of {name}"


def _mutate(rng: Random, content: dict[str, Any]) -> None:
    tables = [content, *_tables(content)]
    table = rng.choice(tables)
    keys = sorted(table)
    act = rng.choice(["set", "set", "set", "drop", "rename", "add", "move"])
    if act == "add" or not keys:
        words = ["by", "mass", "params", "interval", "unit", "level", "drift", "sd", "MS", "x"]
        table[rng.choice(words)] = copy.deepcopy(rng.choice(VALUES))
        return
    key = rng.choice(keys)
    if act == "set":
        old = table[key]
        scaled = old * rng.choice([-1, 0, 1.5, 1e6]) if isinstance(old, int | float) else None
        table[key] = (
            scaled
            if scaled is not None and rng.random() < 0.5
            else copy.deepcopy(rng.choice(VALUES))
        )
    elif act == "drop":
        del table[key]
    elif act == "rename":
        table[rng.choice([key + "x", key.upper(), key[:-1] or "k"])] = table.pop(key)
    else:
        rng.choice(tables)[key] = copy.deepcopy(table[key])


def _tables(table: dict[str, Any]) -> list[dict[str, Any]]:
    below = [value for value in table.values() if isinstance(value, dict)]
    return [found for value in below for found in (value, *_tables(value))]


def _toml(content: dict[str, Any]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in content.items())


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return (
            '"'
            + "".join(
                c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value
            )
            + '"'
        )
    return repr(value)


def check_model(path: Path, spec: ModelSpec) -> None:
    """Check that a model that was accepted is the one that its file asks for.

    The chain of files is merged here anew, with `tomllib` and plain dictionaries: every setting of
    a term must be in the specification as it was written, and the priors must be exactly those
    that are stated.

    Raises
    ------
    WrongSuccess
        At the first difference.
    """
    asked = _merged(path.read_bytes())
    terms = spec.terms()
    for key in ("kind", "name", "version", "title"):
        if key in asked and getattr(spec, key) != asked[key]:
            raise WrongSuccess(f"{key}: {asked[key]!r} became {getattr(spec, key)!r}")
    header = {
        "format",
        "kind",
        "name",
        "version",
        "title",
        "summary",
        "priors",
        "extends",
        "remove",
    }
    for term in asked.keys() - header:
        _compare(f"[{term}]", asked[term], terms.get(term))
    stated = set(asked.get("priors", {}))
    if stated != set(spec.priors) or stated != set(spec.resolved_priors):
        raise WrongSuccess(f"priors {sorted(stated ^ set(spec.priors))} were dropped or made up")
    for name, prior in asked.get("priors", {}).items():
        _compare(f"[priors.{name}]", prior, spec.priors[name].model_dump(mode="json"))
    if ModelSpec.from_canonical(spec.canonical()) != spec:
        raise WrongSuccess("the stored specification is another one")
    again = path.with_name("again.toml")
    again.write_text(model_toml(spec), encoding="utf-8", newline="\n")
    if load_model(again).digest != spec.digest:
        raise WrongSuccess("written as one file, it is another model")


def _compare(where: str, asked: Any, found: Any) -> None:
    if isinstance(asked, dict):
        if not isinstance(found, dict):
            raise WrongSuccess(f"{where} was dropped")
        for key, value in asked.items():
            _compare(f"{where} {key}", value, found.get(key))
    elif isinstance(asked, list):
        if not isinstance(found, list) or len(found) != len(asked):
            raise WrongSuccess(f"{where}: {asked!r} became {found!r}")
        for one, two in zip(asked, found, strict=True):
            _compare(where, one, two)
    elif isinstance(asked, bool) is not isinstance(found, bool) or asked != found:
        same_text = (
            isinstance(asked, str) and isinstance(found, str) and asked.strip() == found.strip()
        )
        if not same_text:
            raise WrongSuccess(f"{where}: {asked!r} became {found!r}")


def _merged(data: bytes, depth: int = 0) -> dict[str, Any]:
    content = tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
    parent = content.pop("extends", None)
    removed = content.pop("remove", [])
    if parent is None or depth > 20:
        return content
    base = _merged(TEXTS[parent.removeprefix("@")].encode(), depth + 1)
    for key in ("format", "name", "summary"):
        base.pop(key, None)
    for item in removed:
        table = base
        *above, last = item.split(".")
        for part in above:
            table = table[part]
        del table[last]
    return _laid(base, content, ())


def _laid(base: dict[str, Any], extra: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key, value in extra.items():
        # A prior is replaced as a whole, and so is that of one diagnosis.
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        stated = path[:1] == ("priors",) and both and set(value) != {"by"}
        if (
            both
            and not (len(path) == 3 and path[0] == "priors")
            and not (len(path) == 1 and stated)
        ):
            _laid(base[key], value, (*path, key))
        else:
            base[key] = value
    return base
