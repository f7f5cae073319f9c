"""Find, merge and check settings files; the presets that are shipped inside the package."""

import difflib
import os
import tomllib
import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from itb_bayes.errors import UsageError
from itb_bayes.simulate.schema import Settings

_FOLDER = Path(__file__).resolve().parent / "settings"
_OVERRIDE_SOURCE = "given on the command line"


def preset_names() -> tuple[str, ...]:
    """Return the names of the shipped presets, sorted; ``base`` is only built upon."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem != "base"))


def load_settings(
    source: str | Path,
    *,
    patients: int | None = None,
    years: float | None = None,
    seed: int | None = None,
) -> Settings:
    """Read a preset by name or a settings file by path, resolved and checked.

    Parameters
    ----------
    source
        Name of a shipped preset, or path of a TOML file; the file may say
        ``extends = "NAME"`` and then gives only what differs.
    patients, years, seed
        Override the figures of the same names in ``[cohort]``.

    Raises
    ------
    UsageError
        If there is no such preset or file, the file is not TOML, a key is unknown, a figure
        lacks its source, or a value is out of range.
    """
    table, label = _resolve(source, seen=())
    cohort = table.setdefault("cohort", {})
    for key, value in (("patients", patients), ("years", years), ("seed", seed)):
        if value is not None and isinstance(cohort, dict):
            cohort[key] = {"value": value, "source": _OVERRIDE_SOURCE}
    if years is not None and isinstance(cohort, dict):
        _shorten_minimum(cohort, years)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise UsageError(_explain(error, label)) from error


def _shorten_minimum(cohort: dict[str, Any], years: float) -> None:
    minimum = cohort.get("min_years")
    if isinstance(minimum, dict) and minimum.get("value", 0) > years:
        cohort["min_years"] = {"value": years, "source": _OVERRIDE_SOURCE}


def _resolve(source: str | Path, seen: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    path = _locate(source)
    if str(path) in seen:
        raise UsageError(f"{path.name}: `extends` runs in a circle ({' -> '.join(seen)}).")
    table = _read(path)
    parent = table.pop("extends", None)
    if parent is not None:
        if not isinstance(parent, str):
            raise UsageError(f"{path.name}: `extends` must be the name of a preset or a path.")
        nearby = path.parent / parent
        base, _ = _resolve(nearby if nearby.is_file() else parent, (*seen, str(path)))
        table = _merge(base, table)
    _extend_policies(table, path.name)
    return table, path.name


def _locate(source: str | Path) -> Path:
    shipped = _FOLDER / f"{source}.toml"
    if "/" not in str(source) and "\\" not in str(source) and os.path.isfile(shipped):
        return shipped
    path = Path(source)
    # os.path.isfile, unlike Path.is_file, answers False for a name too long to exist.
    if os.path.isfile(path):
        return path
    names = (*preset_names(), "base")
    near = difflib.get_close_matches(str(source), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"No preset and no settings file {str(source)!r}.{hint} Presets: {', '.join(names)}."
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}.") from error


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge two tables; one that holds figures is replaced whole, so no source goes stale."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and "source" not in old:
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _extend_policies(table: dict[str, Any], label: str) -> None:
    policies = table.get("policy")
    if not isinstance(policies, dict):
        return
    for name, policy in policies.items():
        if not isinstance(policy, dict) or "extends" not in policy:
            continue
        parent = policies.get(policy["extends"])
        if not isinstance(parent, dict) or "extends" in parent:
            raise UsageError(
                f"{label}: [policy.{name}] extends {policy['extends']!r}, which is not a complete "
                "policy of this file or of the one it extends."
            )
        own = {key: value for key, value in policy.items() if key != "extends"}
        policies[name] = _merge(parent, own)


def _explain(error: ValidationError, label: str) -> str:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            near = difflib.get_close_matches(key, _keys_at(problem["loc"][:-1]), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; remove it"
            lines.append(f"{where}: unknown key {key!r}{hint}")
        else:
            lines.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return f"{label}: {len(lines)} problem(s) in the settings.\n  " + "\n  ".join(lines)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed at a place of the settings."""
    node: Any = Settings
    for part in location:
        if isinstance(node, type) and issubclass(node, BaseModel):
            field = node.model_fields.get(str(part))
            node = _bare(field.annotation) if field else None
        else:
            arguments = typing.get_args(node)
            node = _bare(arguments[-1 if isinstance(part, str) else 0]) if arguments else None
    return list(node.model_fields) if isinstance(node, type) and issubclass(node, BaseModel) else []


def _bare(annotation: Any) -> Any:
    """Strip ``| None`` off a type."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation
