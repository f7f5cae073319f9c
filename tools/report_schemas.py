"""Write the JSON Schemas of reports' documents: ``python tools/report_schemas.py --write``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "src/itb_bayes/report/schemas"


def schemas() -> dict[str, str]:
    """Return the text of every schema file by name."""
    from itb_bayes.report.document import patient_schema
    from itb_bayes.report.index_document import index_schema
    from itb_bayes.report.registry_document import registry_schema

    return {
        "patient.schema.json": _text(patient_schema()),
        "index.schema.json": _text(index_schema()),
        "registry.schema.json": _text(registry_schema()),
    }


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Compare the files with the code, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    write = parser.parse_args().write
    stale = []
    for name, text in schemas().items():
        path = FOLDER / name
        if write:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"stale: {', '.join(stale)}; run: python tools/report_schemas.py --write")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
