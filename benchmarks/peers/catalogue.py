"""Which tools are compared."""

import importlib
import importlib.metadata
from dataclasses import dataclass
from importlib.util import find_spec

from peers.interpreter import STAN_PYTHON, named_interpreter, versions_in
from peers.run import Peer


@dataclass(frozen=True)
class Entry:
    """One tool of the benchmark.

    Attributes
    ----------
    key : str
        Name on the command line.
    title : str
    factory : str
        ``module:class``.
    arguments : tuple of str
    packages : tuple of str
        Distributions whose versions are reported.
    role : {"ours", "hand-written", "other"}
        "hand-written": the peers to beat; "other": no part in that comparison.
    same_model : bool
        Whether its posterior must agree with the others.
    module : str
        What must be importable; empty: the first package.
    interpreter : str
        Environment variable that names the Python the tool runs under; empty: this one.
    """

    key: str
    title: str
    factory: str
    arguments: tuple[str, ...]
    packages: tuple[str, ...]
    role: str
    same_model: bool = True
    module: str = ""
    interpreter: str = ""

    def make(self) -> Peer:
        """Return the tool; imports it."""
        module, name = self.factory.split(":")
        made: Peer = getattr(importlib.import_module(module), name)(*self.arguments)
        return made

    def is_installed(self) -> bool:
        """Return whether the tool can be run here."""
        if self.interpreter:
            return self._versions_elsewhere() is not None
        return find_spec(self._module) is not None

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages.

        Raises
        ------
        RuntimeError
            If the interpreter of the tool lacks one.
        """
        if not self.interpreter:
            return {name: importlib.metadata.version(name) for name in self.packages}
        found = self._versions_elsewhere()
        if found is None:
            raise RuntimeError(f"{self.interpreter} names no Python with {self._module}")
        return found

    @property
    def _module(self) -> str:
        return self.module or self.packages[0].replace("-", "_")

    def _versions_elsewhere(self) -> dict[str, str] | None:
        return versions_in(named_interpreter(self.interpreter), self._module, self.packages)


ENTRIES = (
    Entry(
        "itb-lmm",
        "itb_bayes `@drift-lmm`",
        "peers.itb_drift:ItbDrift",
        ("@drift-lmm",),
        ("itb-bayes", "nutpie", "pymc"),
        "ours",
    ),
    Entry(
        "numpyro-centred",
        "NumPyro, hand-written, centred",
        "peers.numpyro_models:NumpyroCentred",
        (),
        ("numpyro", "jax"),
        "hand-written",
    ),
    Entry(
        "pymc-centred",
        "PyMC + nutpie, hand-written, centred",
        "peers.pymc_centred:PymcCentred",
        (),
        ("pymc", "nutpie"),
        "hand-written",
    ),
    Entry(
        "stan-centred",
        "Stan (pystan), hand-written, centred",
        "peers.stan_centred:StanCentred",
        (),
        ("pystan", "httpstan"),
        "hand-written",
        module="stan",
        interpreter=STAN_PYTHON,
    ),
    Entry(
        "numpyro-marginal",
        "NumPyro, patients integrated out by hand",
        "peers.numpyro_models:NumpyroMarginal",
        (),
        ("numpyro", "jax"),
        "other",
    ),
    Entry(
        "bambi-nutpie",
        "bambi + nutpie",
        "peers.bambi_lmm:BambiNutpie",
        (),
        ("bambi", "nutpie", "pymc"),
        "other",
    ),
    Entry(
        "bambi-pymc",
        "bambi + PyMC's sampler",
        "peers.bambi_lmm:BambiPymc",
        (),
        ("bambi", "pymc"),
        "other",
    ),
    Entry(
        "itb-drift",
        "itb_bayes `@drift` (a richer model, for information)",
        "peers.itb_drift:ItbDrift",
        ("@drift",),
        ("itb-bayes", "nutpie", "pymc"),
        "other",
        same_model=False,
    ),
)


def entry(key: str) -> Entry:
    """Return the tool of that name."""
    return next(candidate for candidate in ENTRIES if candidate.key == key)
