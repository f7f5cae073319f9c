"""Hashing of canonical JSON."""

import hashlib
import json
from typing import Any


def canonical_json(content: dict[str, Any]) -> str:
    """Return JSON with sorted keys and no spaces; numbers in their shortest exact form."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(content: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()
