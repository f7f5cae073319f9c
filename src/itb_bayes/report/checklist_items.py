"""Items of the reporting checklists, in short words of our own, and who can answer each.

TRIPOD+AI: Collins et al. 2024 (BMJ 385:e078378), 27 items with 52 parts, for prediction models.
BARG: Kruschke 2021 (Nat Hum Behav 5:1282), for Bayesian analyses. The model card has the sections
of the CHAI applied model card, schema 0.2. The wording of the originals binds; numbers are theirs.
"""

from dataclasses import dataclass

AUTO, PARTLY, AUTHORS = "software", "software and authors", "authors"


@dataclass(frozen=True)
class Item:
    """One part of a checklist.

    Attributes
    ----------
    number : str
        As the guideline has it.
    asks : str
        What is to be reported.
    by : str
        Who can answer: :data:`AUTO`, :data:`PARTLY` or :data:`AUTHORS`.
    fact : str
        Key of the fact that answers it; empty where only the authors can.
    """

    number: str
    asks: str
    by: str = AUTHORS
    fact: str = ""


TRIPOD = (
    Item("1", "title names a prediction model, its population and outcome"),
    Item("2", "structured abstract (TRIPOD+AI for abstracts)"),
    Item("3a", "health context and why the model is needed"),
    Item("3b", "who it is for, and where in the care pathway"),
    Item("3c", "known inequalities between groups of patients"),
    Item("4", "objectives: development, evaluation or both"),
    Item("5a", "sources of the data, and why they suit"),
    Item("5b", "dates of collection and end of follow-up", PARTLY, "follow_up"),
    Item("6a", "setting: number and kind of centres"),
    Item("6b", "eligibility criteria", PARTLY, "set_aside"),
    Item("6c", "treatments received", PARTLY, "doses"),
    Item("7", "preparation of the data, alike in all groups", AUTO, "preparation"),
    Item("8a", "outcome: definition, time of assessment, horizon", PARTLY, "outcome"),
    Item("8b", "who assessed the outcome, if that takes judgement"),
    Item("8c", "blinding of the assessment"),
    Item("9a", "how predictors were chosen before modelling"),
    Item("9b", "definition and timing of every predictor", PARTLY, "predictors"),
    Item("9c", "who assessed predictors, if that takes judgement"),
    Item("10", "sample size and how it was arrived at", PARTLY, "sizes"),
    Item("11", "missing data and what was done about them", AUTO, "missing"),
    Item("12a", "which data served for fitting and which for evaluation", PARTLY, "partition"),
    Item("12b", "form in which predictors enter", AUTO, "predictors"),
    Item("12c", "kind of model, how it was built, settings", AUTO, "model"),
    Item("12d", "differences between centres or other clusters", PARTLY, "clusters"),
    Item("12e", "measures of performance and why these", AUTO, "measures"),
    Item("12f", "updating of the model after evaluation", PARTLY, "updating"),
    Item("12g", "how predictions are computed for evaluation", AUTO, "computed"),
    Item("13", "methods against class imbalance", PARTLY, "imbalance"),
    Item("14", "methods for fairness and their reasons"),
    Item("15", "output of the model and any thresholds", AUTO, "output"),
    Item("16", "differences between fitting and evaluation data", PARTLY, "partition"),
    Item("17", "ethical approval and consent"),
    Item("18a", "funding"),
    Item("18b", "conflicts of interest"),
    Item("18c", "protocol"),
    Item("18d", "registration"),
    Item("18e", "availability of the data"),
    Item("18f", "availability of the code", AUTO, "code"),
    Item("19", "involvement of patients and the public"),
    Item("20a", "flow of participants", AUTO, "flow"),
    Item("20b", "characteristics of participants", AUTO, "characteristics"),
    Item("20c", "comparison of fitting and evaluation data", PARTLY, "partition"),
    Item("21", "participants and outcome events in each analysis", AUTO, "sizes"),
    Item("22", "full model, so that others can predict with it", AUTO, "specification"),
    Item("23a", "performance with intervals and calibration plots", AUTO, "performance"),
    Item("23b", "differences of performance between clusters", PARTLY, "by_centre"),
    Item("24", "results of updating", PARTLY, "updating"),
    Item("25", "interpretation, fairness included"),
    Item("26", "limitations", PARTLY, "limits"),
    Item("27a", "what happens with poor or missing input", AUTO, "poor_input"),
    Item("27b", "what users need to know and do"),
    Item("27c", "next steps, generalisability included"),
)

BARG = (
    Item("preamble", "why a Bayesian analysis, and its goals"),
    Item("1a", "data: dependent variables, predictors, numbers, units", AUTO, "sizes"),
    Item("1b", "likelihood, hierarchy and what each parameter means", AUTO, "model"),
    Item("1c", "every prior with its reason and source", AUTO, "priors"),
    Item("1d", "formal specification of the model", AUTO, "specification"),
    Item("1e", "prior predictive check", AUTO, "prior_check"),
    Item("2a", "software, versions, machine", AUTO, "software"),
    Item("2b", "convergence of every parameter and derived value", AUTO, "gate"),
    Item("2c", "effective sample size of every parameter and derived value", AUTO, "gate"),
    Item("2d", "if not Markov chain Monte Carlo: the method and its checks", AUTO, "approximation"),
    Item("3a", "posterior predictive check", AUTO, "checks"),
    Item("3b", "posterior centres and intervals, kind and mass", AUTO, "intervals"),
    Item("3c", "Bayes factors or model probabilities, if used", AUTO, "bayes_factors"),
    Item("4a", "decision rule, its threshold and where it comes from", PARTLY, "output"),
    Item("4b", "limits of what was decided"),
    Item("5a", "sensitivity to priors, in what is reported", AUTO, "sensitivity"),
    Item("5b", "other priors or models that were tried", PARTLY, "alternatives"),
    Item("6a", "software and how to get it", AUTO, "code"),
    Item("6b", "seed, command and input that give the same numbers again", AUTO, "command"),
    Item("6c", "data, or why they cannot be shared"),
)

CARD = (
    Item("BasicInfo", "name, developer, contact", PARTLY, "name"),
    Item("ReleaseInfo", "stage, date, version, countries", PARTLY, "release"),
    Item("ModelSummary", "what it does, in two sentences", AUTO, "output"),
    Item("UsesAndDirections.IntendedUseAndWorkflow", "intended use"),
    Item("UsesAndDirections.PrimaryIntendedUsers", "users"),
    Item("UsesAndDirections.HowToUse", "how to use it", AUTO, "how_to_use"),
    Item("UsesAndDirections.TargetedPatientPopulation", "patients", PARTLY, "characteristics"),
    Item("UsesAndDirections.CautionedOutOfScopeSettings", "what it is not for", AUTO, "not_for"),
    Item("Warnings.KnownRisksAndLimitations", "risks and limits", PARTLY, "limits"),
    Item("Warnings.KnownBiasesOrEthicalConsiderations", "biases and ethics"),
    Item("Warnings.ClinicalRiskLevel", "clinical risk level"),
    Item("TrustIngredients.AISystemFacts", "inputs, outputs, kind of model", AUTO, "model"),
    Item("TrustIngredients.TransparencyInformation", "data and fitting", AUTO, "sizes"),
    Item("KeyMetrics.UsefulnessUsabilityEfficacy", "usefulness", PARTLY, "performance"),
    Item("KeyMetrics.FairnessEquity", "fairness", PARTLY, "by_centre"),
    Item("KeyMetrics.SafetyReliability", "reliability", AUTO, "checks"),
    Item("Resources", "further reading", AUTO, "code"),
    Item("Bibliography", "references"),
)

CHECKLISTS = {
    "barg": ("BARG: Bayesian analysis reporting guidelines", BARG),
    "tripod": ("TRIPOD+AI: reporting of prediction models", TRIPOD),
    "card": ("Model card (sections of the CHAI applied model card)", CARD),
}
