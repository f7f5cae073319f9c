"""Reading one model file, and the chain of files it extends."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itb_bayes.errors import ModelError
from itb_bayes.resources import models_dir
from itb_bayes.spec.locate import key_lines
from itb_bayes.spec.problems import InvalidModel, KeyPath, ModelProblem, did_you_mean, dotted

MAX_BYTES = 1_000_000
_MAX_CHAIN = 20
_MAX_DEPTH = 20
_MAX_SHOWN = 200
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass(frozen=True)
class ModelSource:
    """One parsed model file.

    Attributes
    ----------
    label : str
        How the user named it: ``@drift`` or a path.
    path : Path
        Where it lies.
    rows : tuple of str
        Its content, line by line.
    data : dict
        Its content, parsed.
    lines : dict
        Line of each key path.
    """

    label: str
    path: Path
    rows: tuple[str, ...]
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def problem(self, path: KeyPath, message: str, key: str | None = None) -> ModelProblem:
        """Return a problem of this file at a key, or at the nearest table that holds it."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return ModelProblem(
            file=self.label,
            line=line,
            key=(dotted(path) if key is None else key)[:_MAX_SHOWN],
            message=message,
            text=_shown(self.rows, line),
        )


def shipped_models() -> dict[str, Path]:
    """Return the shipped model files by name, without the ``@``, sorted."""
    paths = sorted(models_dir().glob("*.toml"), key=lambda path: path.stem)
    return {path.stem: path for path in paths}


def read_chain(name_or_path: str | Path) -> tuple[ModelSource, ...]:
    """Read a model file and all files it extends.

    Parameters
    ----------
    name_or_path : str or Path
        ``@name`` of a shipped file, or a path.

    Returns
    -------
    tuple of ModelSource
        The file itself first, then its parent, and so on.

    Raises
    ------
    ModelError
        When the file does not exist, is too large or cannot be read.
    InvalidModel
        When a file is not TOML, or ``extends`` names no file or comes back to itself.
    """
    source = read_source(*find_model(name_or_path))
    chain = [source]
    while "extends" in source.data:
        source = _read_parent(source, chain)
        chain.append(source)
    return tuple(chain)


def find_model(name_or_path: str | Path) -> tuple[str, Path]:
    """Return label and path of a model file; raise ModelError when there is none."""
    name = str(name_or_path)
    shipped = shipped_models()
    if name.startswith("@"):
        if name[1:] not in shipped:
            hint = did_you_mean(name, [f"@{stem}" for stem in shipped])
            raise ModelError(f"No model {name!r} is shipped with itb-bayes{hint}")
        return name, shipped[name[1:]]
    path = Path(name_or_path)
    if not path.exists():
        hint = f" Did you mean '@{path.stem}'?" if path.stem in shipped else ""
        raise ModelError(
            f"There is no model file {name!r}. Give a path, or '@name' for a shipped model.{hint}"
        )
    if not path.is_file():
        raise ModelError(f"{name!r} is not a file; a model is one TOML file.")
    return name, path


def read_source(label: str, path: Path) -> ModelSource:
    """Read and parse one TOML file.

    Raises
    ------
    ModelError
        When it is too large or cannot be read.
    InvalidModel
        When it is not UTF-8 or not TOML.
    """
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"Cannot read the model file {label!r}: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise ModelError(f"The model file {label!r} is larger than 1 MB; it cannot be a model.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raw = content.split(b"\n")[line - 1].decode("utf-8", errors="replace")
        message = "this is not UTF-8 text; save the file as UTF-8"
        raise InvalidModel((ModelProblem(label, line, "", message, raw.strip()),)) from error
    rows = tuple(text.split("\n"))
    return ModelSource(
        label=label, path=path, rows=rows, data=_parse(label, text, rows), lines=key_lines(text)
    )


def _parse(label: str, text: str, rows: tuple[str, ...]) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise InvalidModel((_nesting_problem(label, rows),)) from error
    except ValueError as error:  # TOMLDecodeError, and integers with thousands of digits
        raise InvalidModel((_syntax_problem(label, rows, str(error)),)) from error
    if _is_deep(data):
        raise InvalidModel((_nesting_problem(label, rows),))
    return data


def _is_deep(data: dict[str, Any]) -> bool:
    layer: list[Any] = [data]
    for _ in range(_MAX_DEPTH):
        layer = [
            item
            for value in layer
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(layer)


def _nesting_problem(label: str, rows: tuple[str, ...]) -> ModelProblem:
    return ModelProblem(label, 1, "", "values are nested too deeply", _shown(rows, 1))


def _syntax_problem(label: str, rows: tuple[str, ...], message: str) -> ModelProblem:
    place = _PLACE.search(message)
    reason = _PLACE.sub("", message)
    line, column = len(rows), ""
    if place and place.group(1):
        line, column = int(place.group(1)), f" at column {place.group(2)}"
    elif not place:
        line = 1
    return ModelProblem(label, line, "", f"not valid TOML{column}: {reason}", _shown(rows, line))


def _read_parent(child: ModelSource, chain: list[ModelSource]) -> ModelSource:
    reference = child.data["extends"]
    if not isinstance(reference, str) or not reference:
        raise _broken(child, "must name one model: '@name' or a file in the same folder")
    if not reference.startswith("@") and Path(reference).name != reference:
        raise _broken(
            child, "must be '@name' or the name of a file in the same folder, without a path"
        )
    try:
        label, path = find_model(
            reference if reference.startswith("@") else child.path.parent / reference
        )
    except ModelError as error:
        raise _broken(child, str(error)) from error
    visited = [source.path.resolve() for source in chain]
    if path.resolve() in visited:
        names = " -> ".join([*(source.label for source in chain), label])
        raise _broken(child, f"the chain comes back to itself: {names}")
    if len(chain) >= _MAX_CHAIN:
        raise _broken(child, f"the chain is longer than {_MAX_CHAIN} files")
    return read_source(label, path)


def _broken(child: ModelSource, message: str) -> InvalidModel:
    return InvalidModel((child.problem(("extends",), message),))


def _shown(rows: tuple[str, ...], line: int) -> str:
    return rows[line - 1].strip()[:_MAX_SHOWN] if line <= len(rows) else ""
