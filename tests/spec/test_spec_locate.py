"""Lines of keys in TOML documents."""

import tomllib

import pytest

from itb_bayes.resources import models_dir
from itb_bayes.spec.locate import key_lines

DOCUMENT = '''\
# comment with [brackets] and = signs
title = "a # no comment"  # a comment
"quoted key" = 'it\\'
text = """
[not.a.table]
x = 1 \\""" still text
"""
raw = \'\'\'
y = 2\'\'\'
a.b.c = 1
list = [
  "one",  # [x]
  { inner = 2, deep.er = [3,
    4] },
]
when = 1979-05-27 07:32:00

[table]
key = 1
[table.sub."dotted.name"]
x = {}
[[rows]]
n = 1
[[rows]]
n = 2
  [rows.more]
  m = 3
'''

EXPECTED = {
    ("title",): 2,
    ("quoted key",): 3,
    ("text",): 4,
    ("raw",): 8,
    ("a",): 10,
    ("a", "b"): 10,
    ("a", "b", "c"): 10,
    ("list",): 11,
    ("list", 0): 12,
    ("list", 1): 13,
    ("list", 1, "inner"): 13,
    ("list", 1, "deep", "er"): 13,
    ("list", 1, "deep", "er", 1): 14,
    ("when",): 16,
    ("table",): 18,
    ("table", "key"): 19,
    ("table", "sub", "dotted.name"): 20,
    ("table", "sub", "dotted.name", "x"): 21,
    ("rows",): 22,
    ("rows", 0, "n"): 23,
    ("rows", 1): 24,
    ("rows", 1, "n"): 25,
    ("rows", 1, "more", "m"): 27,
}


@pytest.mark.parametrize("path", EXPECTED, ids=str)
def test_line_of_key(path):
    assert key_lines(DOCUMENT)[path] == EXPECTED[path]


def _paths(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from _paths(item, (*path, key))


@pytest.mark.parametrize("text", [DOCUMENT, ""], ids=["all syntax", "empty"])
def test_every_key_has_a_line_and_no_other(text):
    assert set(key_lines(text)) == set(_paths(tomllib.loads(text)))


@pytest.mark.parametrize("path", sorted(models_dir().glob("*.toml")), ids=lambda path: path.stem)
def test_keys_of_shipped_files_stand_on_their_lines(path):
    text = path.read_text(encoding="utf-8")
    lines = key_lines(text)
    assert set(lines) == set(_paths(tomllib.loads(text)))
    for keys, line in lines.items():
        if isinstance(keys[-1], str):
            assert keys[-1] in text.split("\n")[line - 1]
