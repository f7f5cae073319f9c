"""The JSON Schemas that ship with the package are those of the documents."""

import importlib.util
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from report_cases import CANARY, Report

from itb_bayes.report.document import patient_from_json, to_json
from itb_bayes.report.index_document import index_from_json, index_to_json

ROOT = Path(__file__).resolve().parents[2]


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("schemas", ROOT / "tools/report_schemas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["schemas"] = module
    spec.loader.exec_module(module)
    return module


def test_shipped_schemas_are_those_of_the_code() -> None:
    folder = resources.files("itb_bayes.report") / "schemas"
    written = _tool().schemas()
    assert {p.name for p in folder.iterdir()} == set(written)
    for name, text in written.items():
        assert (folder / name).read_text(encoding="utf-8") == text, (
            "run: python tools/report_schemas.py --write"
        )


def _check(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "$") -> None:
    """Assert that a value has the shape of a schema: the keywords that pydantic writes."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        fitting = [s for s in schema["anyOf"] if _fits(value, s)]
        assert fitting, path
        schema = fitting[0]
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "const" in schema:
        assert value == schema["const"], path
    if "enum" in schema:
        assert value in schema["enum"], path
    if schema.get("type") == "object":
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), path
        for name, part in value.items():
            _check(part, schema["properties"][name], root, f"{path}.{name}")
    elif schema.get("type") == "array" and "items" in schema:
        for k, part in enumerate(value):
            _check(part, schema["items"], root, f"{path}[{k}]")
    elif "type" in schema:
        assert _fits(value, schema), path


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    kinds = {
        "string": str, "boolean": bool, "null": type(None), "array": list, "object": dict,
        "integer": int, "number": (int, float),
    }  # fmt: skip
    if "$ref" in schema:
        return isinstance(value, dict)
    if schema["type"] in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, kinds[schema["type"]])  # type: ignore[arg-type]


def test_every_document_of_both_kinds_has_the_shape_of_its_schema(
    report: Report, explained: Report
) -> None:
    schemas = {name: json.loads(text) for name, text in _tool().schemas().items()}
    for made in (report, explained):
        for path in made.folder.glob("*.json"):
            if path.name == "itb-bayes-report.json":
                continue
            name = "index" if path.name == "index.json" else "patient"
            schema = schemas[f"{name}.schema.json"]
            _check(json.loads(path.read_text(encoding="utf-8")), schema, schema)


def test_documents_survive_json(explained: Report) -> None:
    for document in explained.documents.values():
        text = to_json(document)
        assert text.isascii()
        assert patient_from_json(text) == document
    assert index_from_json(index_to_json(explained.index)) == explained.index


def test_a_document_of_another_version_is_not_read(explained: Report) -> None:
    text = to_json(explained.documents[CANARY]).replace(
        '"schema_version": "2"', '"schema_version": "1"'
    )
    with pytest.raises(ValidationError, match="schema_version"):
        patient_from_json(text)
