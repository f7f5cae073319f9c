"""Laying a chain of model files over one another, remembering where each key came from."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from itb_bayes.spec.problems import KeyPath, ModelProblem, did_you_mean, dotted
from itb_bayes.spec.source import ModelSource

HEADER = ("format", "kind", "name", "version", "title", "summary")
CHAIN = ("extends", "remove")
# Not inherited: the words of the parent describe the parent.
_OWN = ("format", "name", "summary", *CHAIN)


@dataclass
class MergedModel:
    """The merged content of a chain of model files.

    Attributes
    ----------
    chain : tuple of ModelSource
        The model file first, then its parents.
    data : dict
        The merged content, without ``extends`` and ``remove``.
    problems : dict of ModelProblem to None
        What was found wrong so far, each once, in order.
    """

    chain: tuple[ModelSource, ...]
    data: dict[str, Any] = field(default_factory=dict)
    problems: dict[ModelProblem, None] = field(default_factory=dict)
    _origin: dict[KeyPath, ModelSource] = field(default_factory=dict)
    _removed: dict[KeyPath, tuple[ModelSource, KeyPath]] = field(default_factory=dict)

    def add(self, path: KeyPath, message: str, at: KeyPath | None = None) -> None:
        """Note a problem of the key ``path``, shown at the line of ``at`` (default: the key)."""
        source, place = self._place(path if at is None else at)
        self.note(source.problem(place, message, dotted(path)))

    def note(self, problem: ModelProblem) -> None:
        """Note a problem that knows its place."""
        self.problems[problem] = None

    def add_missing(self, path: KeyPath, message: str, at: KeyPath) -> None:
        """Note a missing key: shown where it was removed, else at the key that asks for it."""
        if path in self._removed:
            source, place = self._removed[path]
            self.note(source.problem(place, message, dotted(path)))
        else:
            self.add(path, message, at)

    def sorted_problems(self) -> tuple[ModelProblem, ...]:
        """Return the problems by file (the model file itself first) and line."""
        order = {source.label: rank for rank, source in enumerate(self.chain)}
        return tuple(sorted(self.problems, key=lambda p: (order.get(p.file, 0), p.line, p.key)))

    def _place(self, path: KeyPath) -> tuple[ModelSource, KeyPath]:
        known = path
        while known and known not in self._origin:
            known = known[:-1]
        return self._origin.get(known, self.chain[0]), path

    def _mark(self, path: KeyPath, value: Any, source: ModelSource) -> None:
        self._origin[path] = source
        if isinstance(value, dict):
            for key, item in value.items():
                self._mark((*path, key), item, source)

    def _forget(self, path: KeyPath) -> None:
        for known in [key for key in self._origin if key[: len(path)] == path]:
            del self._origin[known]

    def lay(self, base: dict[str, Any], extra: dict[str, Any], source: ModelSource) -> None:
        """Lay the content of one file over ``base``, in place."""
        self._lay(base, extra, (), source)

    def _lay(
        self, base: dict[str, Any], extra: dict[str, Any], path: KeyPath, source: ModelSource
    ) -> None:
        for key, value in extra.items():
            here = (*path, key)
            old = base.get(key)
            if isinstance(value, dict) and isinstance(old, dict) and not _whole(here, value):
                self._origin[here] = source
                self._lay(old, value, here, source)
            else:
                if key in base:
                    self._forget(here)
                base[key] = deepcopy(value)
                self._mark(here, value, source)

    def take_away(self, source: ModelSource) -> None:
        """Carry out the ``remove`` list of one file on the merged content of its parents."""
        items = source.data.get("remove", [])
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            message = 'must be a list of names, for example remove = ["priors.tail_df"]'
            self.note(source.problem(("remove",), message))
            return
        if items and "extends" not in source.data:
            message = "there is nothing to remove from: the file extends no other"
            self.note(source.problem(("remove",), message))
            return
        for index, item in enumerate(items):
            self._take_one(item, ("remove", index), source)

    def _take_one(self, item: str, place: KeyPath, source: ModelSource) -> None:
        path = tuple(item.split("."))
        if path[0] in HEADER:
            self.note(source.problem(place, f"{item!r} cannot be removed"))
            return
        table: Any = self.data
        for part in path[:-1]:
            table = table.get(part) if isinstance(table, dict) else None
        if not isinstance(table, dict) or path[-1] not in table:
            message = f"{item!r} is not in the model that this file extends"
            known = list(table) if isinstance(table, dict) else []
            hint = did_you_mean(item, [".".join([*path[:-1], name]) for name in known])
            self.note(source.problem(place, message + hint))
            return
        del table[path[-1]]
        self._forget(path)
        self._removed[path] = (source, place)


def merge_chain(chain: tuple[ModelSource, ...]) -> MergedModel:
    """Merge a chain of model files, parents first.

    Tables are merged key by key, but a prior is replaced as a whole, as is a prior of one
    diagnosis. ``name`` and ``summary`` are each file's own; the rest is inherited.

    Parameters
    ----------
    chain : tuple of ModelSource
        The model file first, then its parents.

    Returns
    -------
    MergedModel
        With the problems of merging already noted.
    """
    merged = MergedModel(chain=chain)
    for source in reversed(chain):
        for key in _OWN:
            if merged.data.pop(key, None) is not None:
                merged._forget((key,))
        merged.take_away(source)
        _check_own(merged, source)
        extra = {key: value for key, value in source.data.items() if key not in CHAIN}
        merged.lay(merged.data, extra, source)
    return merged


def _check_own(merged: MergedModel, source: ModelSource) -> None:
    for key in ("format", "name"):
        if key not in source.data:
            example = "format = 1" if key == "format" else 'name = "my-model"'
            problem = source.problem((key,), f"is missing; every model file has one: {example}")
            merged.note(problem)
    parent_kind = merged.data.get("kind")
    kind = source.data.get("kind", parent_kind)
    if parent_kind is not None and kind != parent_kind:
        message = f"cannot be changed by a file that extends another (it is {parent_kind!r})"
        merged.note(source.problem(("kind",), message))


def _whole(path: KeyPath, value: dict[str, Any]) -> bool:
    if path[0] != "priors":
        return False
    only_diagnoses = set(value) == {"by"}
    return (len(path) == 2 and not only_diagnoses) or len(path) == 4
