"""Model files: parsing, validation and resolved specifications.

`load_model` is the way in; it returns a frozen `ModelSpec` of the class of its kind.
"""

from itb_bayes.spec.check import ModelCheck, check_model
from itb_bayes.spec.diff import Difference, ModelDiff, diff_models
from itb_bayes.spec.explain import Explanation, explain
from itb_bayes.spec.kinds.complications_spec import ComplicationsSpec
from itb_bayes.spec.kinds.drift_spec import DriftSpec
from itb_bayes.spec.kinds.regimes_spec import RegimesSpec
from itb_bayes.spec.kinds.spasticity_spec import SpasticitySpec
from itb_bayes.spec.load import load_model
from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.priors import PriorSpec, ResolvedPrior, resolve_prior
from itb_bayes.spec.problems import InvalidModel, ModelProblem
from itb_bayes.spec.source import shipped_models
from itb_bayes.spec.writing import model_toml

__all__ = [
    "ComplicationsSpec",
    "Difference",
    "DriftSpec",
    "Explanation",
    "InvalidModel",
    "ModelCheck",
    "ModelDiff",
    "ModelProblem",
    "ModelSpec",
    "PriorSpec",
    "RegimesSpec",
    "ResolvedPrior",
    "SpasticitySpec",
    "check_model",
    "diff_models",
    "explain",
    "load_model",
    "model_toml",
    "resolve_prior",
    "shipped_models",
]
