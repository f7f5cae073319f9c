"""Files that extend others."""

import pytest

from itb_bayes.errors import ModelError
from itb_bayes.spec import InvalidModel, load_model

HEADER = 'format = 1\nextends = "@drift"\nname = "mine"\n'


def _prior(table, low, high, unit="ug/day", family="lognormal"):
    return (
        f'[{table}]\nunit = "{unit}"\nfamily = "{family}"\ninterval = [{low}, {high}]\nmass = 0.8\n'
        'source = "own data"\nwhy = "own"\n'
    )


def _problems(path):
    with pytest.raises(InvalidModel) as caught:
        load_model(path)
    return caught.value.problems


def test_smallest_overlay_is_the_parent_under_another_name(write_model):
    mine, drift = load_model(write_model(HEADER)), load_model("@drift")
    assert mine.digest == drift.digest
    assert (mine.name, mine.version, mine.title) == ("mine", drift.version, drift.title)
    assert mine.summary == ""
    assert mine.extends == ("@drift",)


def test_chain_is_nearest_first():
    assert load_model("@drift-lmm").extends == ("@drift-iid", "@drift")


def test_tables_are_merged_key_by_key(write_model):
    series = load_model(write_model(HEADER + "[series]\nstep_months = 3\n")).series
    assert (series.step_months, series.from_years, series.minimum_points) == (3.0, 0.0, 2)


def test_prior_is_replaced_as_a_whole(write_model):
    text = HEADER + '[priors.level]\nunit = "ug/day"\nfamily = "lognormal"\ninterval = [9, 99]\n'
    keys = {problem.key for problem in _problems(write_model(text))}
    assert keys == {"priors.level.source", "priors.level.why"}
    spec = load_model(write_model(HEADER + _prior("priors.level", 100, 500)))
    assert spec.priors["level"].source == "own data"
    assert spec.priors["level"].mass == 0.8


def test_prior_of_one_diagnosis_is_added_to_that_of_the_parent(write_model):
    spec = load_model(write_model(HEADER + _prior("priors.level.by.HSP", 200, 600)))
    drift = load_model("@drift").resolved_priors["level"]
    assert spec.resolved_priors["level"].params == drift.params
    assert list(spec.resolved_priors["level"].by) == ["HSP"]
    write_model(HEADER + _prior("priors.level.by.HSP", 200, 600), "base.toml")
    again = HEADER.replace("@drift", "base.toml") + _prior("priors.level.by.HSP", 300, 600)
    level = load_model(write_model(again)).priors["level"]
    assert level.by["HSP"].interval == (300.0, 600.0)


def test_file_in_the_same_folder_can_be_extended(write_model):
    write_model(HEADER + "[series]\nstep_months = 3\n", "base.toml")
    spec = load_model(write_model(HEADER.replace("@drift", "base.toml"), "leaf.toml"))
    assert spec.series.step_months == 3.0
    assert spec.extends[1] == "@drift"


def test_problem_of_a_parent_is_reported_in_the_parent(write_model):
    base = write_model(HEADER + '[process]\nkind = "uo"\n', "base.toml")
    leaf = write_model(HEADER.replace("@drift", "base.toml"), "leaf.toml")
    (problem,) = _problems(leaf)
    assert (problem.file, problem.line, problem.key) == (str(base), 5, "process.kind")


def test_leaf_can_mend_a_problem_of_its_parent(write_model):
    write_model(HEADER + '[process]\nkind = "uo"\n', "base.toml")
    leaf = HEADER.replace("@drift", "base.toml") + '[process]\nkind = "ou"\n'
    assert load_model(write_model(leaf)).process.kind == "ou"


def test_what_is_removed_but_needed_is_reported_where_it_was_removed(write_model):
    text = HEADER + 'remove = [\n  "priors.tail_df",\n  "noise.kind",\n  "process",\n]\n'
    problems = {problem.key: problem.line for problem in _problems(write_model(text))}
    assert problems == {"noise.kind": 6, "process": 7}
    text = HEADER + 'remove = [\n  "priors.tail_df",\n]\n'
    (problem,) = _problems(write_model(text))
    assert (problem.key, problem.line) == ("priors.tail_df", 5)
    assert 'noise.kind = "patient_t" needs it' in problem.message


@pytest.mark.parametrize(
    "item, fragment",
    [
        ("priors.tail_fd", "did you mean 'priors.tail_df'?"),
        ("prior.tail_df", "is not in the model that this file extends"),
        ("name", "cannot be removed"),
        ("series.step_months.x", "is not in the model that this file extends"),
        ("", "is not in the model that this file extends"),
    ],
)
def test_removing_what_is_not_there_is_an_error(item, fragment, write_model):
    problems = _problems(write_model(HEADER + f'remove = ["{item}"]\n'))
    assert [problem.line for problem in problems] == [4]
    assert fragment in problems[0].message


def test_removed_twice_is_an_error(write_model):
    text = HEADER + 'remove = ["priors.tail_df", "priors.tail_df"]\n[noise]\nkind = "gaussian"\n'
    (problem,) = _problems(write_model(text))
    assert problem.key == "remove[2]"


def test_extending_oneself_is_an_error(write_model):
    path = write_model(HEADER.replace("@drift", "mine.toml"))
    (problem,) = _problems(path)
    assert problem.line == 2
    assert "comes back to itself" in problem.message


def test_long_cycle_is_an_error(write_model):
    for number in range(3):
        nxt = f"m{(number + 1) % 3}.toml"
        path = write_model(HEADER.replace("@drift", nxt), f"m{number}.toml")
    (problem,) = _problems(path)
    assert problem.message.count("->") == 3


def test_endless_chain_is_an_error(write_model):
    for number in range(25):
        text = HEADER.replace("@drift", f"m{number + 1}.toml")
        write_model(text, f"m{number}.toml")
    (problem,) = _problems(write_model(HEADER.replace("@drift", "m0.toml")))
    assert "longer than 20 files" in problem.message


def test_kind_cannot_be_changed(write_model):
    problems = _problems(write_model(HEADER + 'kind = "reservoir"\n'))
    assert [problem.line for problem in problems] == [4, 4]
    assert any("cannot be changed" in problem.message for problem in problems)
    problems = _problems(write_model(HEADER + 'kind = "regimes"\n'))
    assert any("cannot be changed" in problem.message for problem in problems)


@pytest.mark.parametrize(
    "name, fragment",
    [
        ("@drfit", "did you mean '@drift'?"),
        ("drift", "Did you mean '@drift'?"),
        ("nowhere.toml", "There is no model file 'nowhere.toml'"),
        ("@../secret", "No model '@../secret' is shipped"),
        ("", "is not a file"),
    ],
)
def test_model_that_does_not_exist_is_an_error(name, fragment):
    with pytest.raises(ModelError, match=fragment.replace("?", r"\?").replace(".", r"\.")):
        load_model(name)


def test_folder_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="is not a file"):
        load_model(tmp_path)


def test_large_file_is_an_error(write_model):
    with pytest.raises(ModelError, match="larger than 1 MB"):
        load_model(write_model("#" * 1_000_001))


def test_unreadable_file_is_an_error(write_model, monkeypatch):
    path = write_model(HEADER)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(ModelError, match="Permission denied"):
        load_model(path)


def test_file_that_is_not_utf8_is_an_error(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes('format = 1\ntitle = "Zürich"\n'.encode("latin-1"))
    (problem,) = _problems(path)
    assert problem.line == 2
    assert "save the file as UTF-8" in problem.message


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path, drift_text):
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + drift_text.replace("\n", "\r\n").encode())
    assert load_model(path).digest == load_model("@drift").digest
