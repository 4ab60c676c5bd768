"""Formulas: what they give, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formula import BadFormula, Formula
from lib.histogram import histogram

MEASURES = {"talk_s": 600, "talk_calls": 4, "offered": 0, "taken": 0, "hold_s": None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("talk_s / talk_calls", 150),
        ("(talk_s + 60) / 60", 11),
        ("-talk_calls * 2.5", -10),
        ("100 * taken / offered", None),
        ("talk_s + hold_s", None),
        ("missing + talk_s", None),
        ("talk_s - talk_s", 0),
    ],
)
def test_value(text, value):
    assert Formula(text).value(MEASURES) == value


def test_percentiles():
    histograms = {"talk_s": histogram([10, 20, 90])}
    assert Formula("median(talk_s)").value({}, histograms) == pytest.approx(20, rel=0.01)
    assert Formula("p90(talk_s) - median(talk_s)").value({}, histograms) == pytest.approx(70, rel=0.02)
    assert Formula("median(talk_s)").value({}) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "syntax"),
        ("talk_s /", "syntax"),
        ("1 + 2", "none"),
        ("talk_s ** 2", "part"),
        ("talk_s if taken else 0", "part"),
        ("talk_s.real", "part"),
        ("'a' * talk_s", "part"),
        ("True * talk_s", "part"),
        ("__import__('os')", "function"),
        ("median(talk_s, 2)", "part"),
        ("median(talk_s + 1)", "part"),
        ("(lambda: 1)()", "part"),
        ("+".join(["talk_s"] * 60), "long"),
        ("talk_s" * 200, "long"),
    ],
)
def test_nonsense(text, reason):
    with pytest.raises(BadFormula) as caught:
        Formula(text)
    assert caught.value.reason == reason


def test_what_it_speaks_of_must_exist():
    formula = Formula("median(talk_s) / taken")
    formula.require({"talk_s", "taken"}, {"talk_s"})
    for names, spread, reason in (({"talk_s"}, {"talk_s"}, "unknown"), ({"talk_s", "taken"}, (), "spread")):
        with pytest.raises(BadFormula) as caught:
            formula.require(names, spread)
        assert caught.value.reason == reason


@given(st.text(max_size=60))
def test_anything_is_a_formula_or_refused(text):
    try:
        formula = Formula(text)
    except BadFormula:
        return
    assert formula.value(dict.fromkeys(formula.names, 1.0)) is None or formula.names or formula.spread
