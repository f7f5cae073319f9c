"""Loading a model file."""

from pathlib import Path

from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.overlay import merge_chain
from itb_bayes.spec.source import read_chain
from itb_bayes.spec.validate import build_spec


def load_model(name_or_path: str | Path) -> ModelSpec:
    """Load a model file, with everything it extends, and resolve its priors.

    Parameters
    ----------
    name_or_path : str or Path
        ``@name`` of a shipped model, or the path of a TOML file.

    Returns
    -------
    ModelSpec
        Of the class of its kind, for example `DriftSpec`.

    Raises
    ------
    ModelError
        When there is no such file, or it cannot be read.
    InvalidModel
        When the file has problems; all of them are listed, with file and line.
    """
    return build_spec(merge_chain(read_chain(name_or_path)))
