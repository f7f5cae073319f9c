from itb_bayes.api import Cohort as Cohort
from itb_bayes.api import ModelFit as ModelFit
from itb_bayes.api import fit as fit
from itb_bayes.api import load_fit as load_fit
from itb_bayes.api import load_model as load_model

__version__: str
