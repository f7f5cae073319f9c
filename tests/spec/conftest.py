from collections.abc import Callable
from pathlib import Path

import pytest

from itb_bayes.resources import models_dir


@pytest.fixture(scope="session")
def drift_text() -> str:
    return (models_dir() / "drift.toml").read_text(encoding="utf-8")


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    return write
