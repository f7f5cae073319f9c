"""Modules by the names of pystan's, for tests without Stan: known draws, and a cache with a fit."""

from pathlib import Path

MARKS = 1000.0
"""A draw is MARKS times the chain, plus its number, plus a tenth of its component."""

STAN = f"""\
import numpy as np

COMPONENTS = {{"level": 2, "drift": 2}}


class Model:
    model_name = "models/fake"

    def sample(self, num_chains, num_samples, num_warmup):
        import httpstan.cache
        if (httpstan.cache.model_directory(self.model_name) / "fits").exists():
            raise RuntimeError("draws of an earlier run are still there")
        print("Sampling ...")
        self.shape = (num_samples, num_chains)
        return self

    def __getitem__(self, name):
        draw, chain = np.meshgrid(*map(np.arange, self.shape), indexing="ij")
        if name == "divergent__":
            return ((draw == 1) & (chain > 0)).astype(float).reshape(1, -1)
        one = ({MARKS} * chain + draw).reshape(-1)
        return np.stack([one + 0.1 * k for k in range(COMPONENTS.get(name, 1))])


def build(program, data, random_seed):
    if data["n_patient"] != len(data["diagnosis"]) or "normal(" not in program:
        raise ValueError("no such program")
    print("Building ...")
    return Model()
"""

CACHE = """\
from pathlib import Path


def model_directory(name):
    return Path(__file__).parent / name
"""


def write_fake_stan(folder: Path) -> None:
    """Write the modules, and a distribution that tells a version."""
    (folder / "stan.py").write_text(STAN, encoding="utf-8")
    (folder / "httpstan/models/fake/fits").mkdir(parents=True)
    (folder / "httpstan/__init__.py").touch()
    (folder / "httpstan/cache.py").write_text(CACHE, encoding="utf-8")
    for name, version in (("pystan", "3.99"), ("httpstan", "4.99")):
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(text, encoding="utf-8")
