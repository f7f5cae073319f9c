"""Coding of patient columns."""

import numpy as np
import pandas as pd
import pytest

from itb_bayes.errors import ModelError
from itb_bayes.model.covariates import code_covariates


def patients(**columns) -> pd.DataFrame:
    """Four patients: two SCI, two MS; columns as the contract types them."""
    frame = pd.DataFrame(
        {
            "diagnosis": ["SCI", "MS", "SCI", "MS"],
            "sex": ["M", "F", "F", "M"],
            "age_at_implant": [45.0, 55.0, 35.0, 60.0],
            "sci_level": ["cervical", None, "thoracic", None],
            "ais_grade": ["A", None, "C", None],
            "ms_course": [None, "SP", None, "PP"],
            "ambulatory": pd.array([True, False, False, True], dtype="boolean"),
        }
    )
    for name, values in columns.items():
        frame[name] = values
    text = ["diagnosis", "sex", "sci_level", "ais_grade", "ms_course"]
    return frame.astype(dict.fromkeys(text, "str"))


def test_levels_are_coded_against_the_reference():
    coded = code_covariates(patients(), ("sex", "ambulatory", "age_at_implant"), "error")
    assert coded.names == ("sex=F", "ambulatory=True", "age_at_implant per 10 years")
    np.testing.assert_allclose(coded.design[:, 0], [0, 1, 1, 0])
    np.testing.assert_allclose(coded.design[:, 1], [1, 0, 0, 1])
    np.testing.assert_allclose(coded.design[:, 2], [0, 1, -1, 1.5])


def test_sci_and_ms_columns_act_within_their_diagnosis():
    coded = code_covariates(patients(), ("sci_level", "ais_grade", "ms_course"), "error")
    assert coded.names == ("sci_level=cervical", "ais_grade=C", "ms_course=PP")
    np.testing.assert_allclose(coded.design, [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_value_given_outside_the_diagnosis_does_nothing():
    frame = patients(sci_level=["cervical", "cervical", "thoracic", None])
    coded = code_covariates(frame, ("sci_level",), "error")
    np.testing.assert_allclose(coded.design[:, 0], [1, 0, 0, 0])


def test_no_columns_give_an_empty_design():
    coded = code_covariates(patients(), (), "error")
    assert coded.names == ()
    assert coded.design.shape == (4, 0)


def test_a_missing_value_is_an_error_that_counts():
    with pytest.raises(ModelError, match=r"'sci_level': 1 of 2 patients have\s+no value"):
        code_covariates(patients(sci_level=["cervical", None, None, None]), ("sci_level",), "error")


def test_a_missing_value_can_be_a_level_of_its_own():
    frame = patients(
        sex=["M", None, "F", "M"],
        age_at_implant=[45.0, np.nan, 35.0, 60.0],
        ambulatory=pd.array([True, None, False, False], dtype="boolean"),
    )
    coded = code_covariates(frame, ("sex", "age_at_implant", "ambulatory"), "indicator")
    assert coded.names == (
        "sex=F", "sex=unknown", "age_at_implant per 10 years", "age_at_implant=unknown",
        "ambulatory=True", "ambulatory=unknown",
    )  # fmt: skip
    np.testing.assert_allclose(
        coded.design,
        [[0, 0, 0, 0, 1, 0], [0, 1, 0, 1, 0, 1], [1, 0, -1, 0, 0, 0], [0, 0, 1.5, 0, 0, 0]],
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("sex", ["M"] * 4),
        ("age_at_implant", [52.0] * 4),
        ("sci_level", ["thoracic", None, "thoracic", None]),
        ("sci_level", ["cervical", None, "cervical", None]),  # varies, but only with the diagnosis
        ("ms_course", [None, "RR", None, "RR"]),
    ],
)
def test_a_column_that_does_not_vary_is_an_error(column, values):
    with pytest.raises(ModelError, match=f"'{column}' does not vary"):
        code_covariates(patients(**{column: values}), (column,), "error")


@pytest.mark.parametrize("column", ["sex", "age_at_implant", "ais_grade"])
def test_a_column_without_any_value_is_an_error_under_indicator(column):
    empty = [np.nan] * 4 if column == "age_at_implant" else [None] * 4
    with pytest.raises(ModelError, match="does not vary"):
        code_covariates(patients(**{column: empty}), (column,), "indicator")


def test_a_column_of_an_absent_diagnosis_is_an_error():
    frame = patients(diagnosis=["MS", "MS", "HSP", "HSP"])
    with pytest.raises(ModelError, match=r"'sci_level' does not vary .*\(0\)"):
        code_covariates(frame, ("sci_level",), "error")
