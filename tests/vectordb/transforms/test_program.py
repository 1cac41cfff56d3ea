"""The core: one text of each step gives the row, the rows and the columns; data never becomes code."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest

import vectordb.transforms.fused
from ledger import CannotTransform, NotANumber
from tests.vectordb.transforms.composition import bits, holds, same_bits, three_ways
from vectordb.transforms import (
    ColumnTransformer,
    FeatureUnion,
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    StandardScaler,
    dumps,
    loads,
)
from vectordb.transforms.fused import Fused
from vectordb.transforms.program import Lookup, Program


def every_way(fused, rows):
    """The outputs of rows, which do not depend on how they are made."""
    made = [fused.row(row) for row in rows]
    assert same_bits(made, fused.rows(rows))
    columns = fused.columns(len(rows), list(map(list, zip(*rows))) or [[]] * len(fused.inputs))
    assert same_bits(made, zip(*columns)) or not made[0]
    again = pickle.loads(pickle.dumps(fused))
    assert same_bits(made, again.rows(rows))
    return made


def text_of(fused):
    """The lines of one row."""
    return fused._body(), fused._results()


def test_a_value_used_once_is_written_where_it_is_used():
    written = Program(["a", "b"], ["float", "float"])
    a, b = written.inputs
    total = written.let("{0} + {1}", a, b)
    double = written.let("{0} * {1}", total, written.constant(2.0))
    fused = written.compile([double])
    assert text_of(fused) == ([], "((x0 + x1) * (2.0)), ")
    assert every_way(fused, [[1.0, 2.0], [nan, 1.0]])[0] == (6.0,)


def test_a_value_used_twice_is_kept():
    written = Program(["a"], ["float"])
    (a,) = written.inputs
    square = written.let("{0} * {0}", written.let("{0} + {1}", a, written.constant(1)))
    fused = written.compile([square, square])
    assert text_of(fused) == (["t0 = x0 + (1)", "t1 = t0 * t0"], "t1, t1, ")
    assert every_way(fused, [[1.0], [2.5]]) == [(4.0, 4.0), (12.25, 12.25)]


def test_what_is_used_nowhere_changes_nothing():
    written = Program(["a"], ["float"])
    written.let("{0} + {1}", written.inputs[0], written.constant(1.0))
    assert every_way(written.compile(written.inputs), [[1.0]]) == [(1.0,)]


def test_several_values_of_one_expression():
    written = Program(["a"], ["float"])
    parts = written.let_many("{1}({0})", written.inputs[0], written.constant(divmod_by_ten), labels=["q", "r"])
    (alone,) = written.let_many("[{0}, {0}]", written.inputs[0], labels=["one"])
    assert written.let_many("{0}", written.inputs[0], labels=[]) == []
    assert [value.label for value in parts] == ["q", "r"]
    fused = written.compile([parts[1], alone, parts[0]])
    assert every_way(fused, [[42.0], [7.0]]) == [(2.0, 42.0, 4.0), (7.0, 7.0, 0.0)]


def divmod_by_ten(value):
    return divmod(value, 10.0)


def test_steps_without_arguments():
    written = Program(["a"], ["float"])
    one = written.let("1.0", label="one")
    two, three = written.let_many("(2.0, 3.0)", labels=["two", "three"])
    fused = written.compile([one, two, three, one])
    assert every_way(fused, [[0.0], [1.0]]) == [(1.0, 2.0, 3.0, 1.0)] * 2


def test_no_outputs():
    fused = Program(["a"], ["float"]).compile([])
    assert every_way(fused, [[0.0], [1.0]]) == [(), ()]
    assert fused.packed([0.0]) == b"" and fused.packed_rows([[0.0]]) == [b""] and fused.columns(1, [[0.0]]) == []


def test_inputs_that_arrive_together():
    written = Program(["a", "b", "c"], ["float"] * 3)
    fused = written.compile(written.inputs).grouped((("x0", "x2"), "x1"))
    assert fused.row([(1.0, 3.0), 2.0]) == (1.0, 2.0, 3.0)
    assert pickle.loads(pickle.dumps(fused)).row([(1.0, 3.0), 2.0]) == (1.0, 2.0, 3.0)


def test_constants_are_literals_only_where_that_is_safe():
    written = Program(["a"], ["float"])
    literals = [written.constant(value) for value in (1, -2, 0.1, -0.0, 2**63 - 1)]
    assert literals == ["(1)", "(-2)", "(0.1)", "(-0.0)", f"({2**63 - 1})"]
    others = (nan, inf, True, "1", None, 2**63, 10**5000, [1], b"x")
    names = [written.constant(value) for value in others]
    assert names == [f"k{place}" for place in range(len(others))]
    assert list(written.constants.values())[1:] == list(others)[1:]


@pytest.mark.parametrize("value", [1, True, Fraction(1, 2), Decimal("0.5")], ids=repr)
def test_numbers_become_floats(value):
    written = Program(["a"], ["number"])
    fused = written.compile([written.number(written.inputs[0])])
    assert every_way(fused, [[value]]) == [(float(value),)]


def test_none_and_nan_are_nan():
    written = Program(["a"], ["number"])
    fused = written.compile([written.number(written.inputs[0])])
    assert [bits(made) for (made,) in every_way(fused, [[None], [nan]])] == ["nan", "nan"]


@pytest.mark.parametrize(
    ("value", "error"),
    [("1", NotANumber), (b"1", NotANumber), ([1], NotANumber), ({}, NotANumber), (1j, NotANumber)]
    + [(inf, CannotTransform), (-inf, CannotTransform), (10**400, CannotTransform)],
    ids=lambda given: repr(given)[:20],
)
def test_what_is_no_number_is_refused_with_the_feature(value, error):
    written = Program(["the feature"], ["number"])
    fused = written.compile([written.number(written.inputs[0])])
    for run in (fused.row, fused.packed, lambda row: fused.rows([row]), lambda row: fused.columns(1, [row])):
        with pytest.raises(error) as refused:
            run([value])
        assert type(refused.value) is error and refused.value.values["feature"] == "the feature"


def test_a_blank_is_refused_where_it_may_be_one():
    written = Program(["a"], ["float"])
    present = written.present(written.inputs[0], "a value is there")
    assert not present.blank and written.present(present, "again") is present
    fused = written.compile([present])
    assert fused.row([2.0]) == (2.0,)
    with pytest.raises(CannotTransform, match="a value is there"):
        fused.row([nan])


def test_lookups():
    held = Lookup({"a": 1.0, None: 2.0}, "f", "a known word", blank=3.0)
    assert (held["a"], held[None], held[nan], held[float("nan")]) == (1.0, 2.0, 3.0, 3.0)
    with pytest.raises(CannotTransform, match="a known word"):
        held["b"]
    again = pickle.loads(pickle.dumps(held))
    assert (dict(again), again.label, again.rule, again.unknown, again.blank) == (
        dict(held),
        "f",
        "a known word",
        None,
        3.0,
    )
    assert Lookup({}, "f", "", unknown=0.0)["b"] == 0.0 == Lookup({}, "f", "", unknown=0.0)[nan]


def test_what_was_sent_is_compiled_once_and_bounded(monkeypatch):
    monkeypatch.setattr(vectordb.transforms.fused, "_SENT", {})
    written = Program(["a"], ["float"])
    fused = written.compile(written.inputs)
    sent = pickle.dumps(fused)
    assert pickle.loads(sent) is pickle.loads(sent)
    assert pickle.loads(sent).token == fused.token
    for _ in range(vectordb.transforms.fused.SENT + 5):
        pickle.loads(pickle.dumps(written.compile(written.inputs)))
    assert len(vectordb.transforms.fused._SENT) == vectordb.transforms.fused.SENT


def test_generated_code_sees_next_to_nothing():
    written = Program(["a"], ["float"])
    with pytest.raises(NameError):
        written.compile([written.let("open({0})", written.inputs[0])]).row([1.0])


@pytest.mark.parametrize("width", [1, 2, 2000])
def test_wide_programs_compile(width):
    rows = [[float(n + r * r) for n in range(width)] for r in range(3)]
    scale = StandardScaler().fit(rows)
    both = FeatureUnion([("scale", StandardScaler()), ("keep", "passthrough")]).fit(rows)
    assert len(three_ways(scale, rows)[0]) == width
    assert len(three_ways(both, rows)[0]) == 2 * width


def test_deep_programs_compile():
    written = Program(["a"], ["float"])
    value = written.inputs[0]
    for _ in range(3000):
        value = written.let("({0} + {1})", value, written.constant(1.0))
    assert every_way(written.compile([value]), [[0.0], [0.5]]) == [(3000.0,), (3000.5,)]


# -- data is never code ------------------------------------------------------------------------------------

ATTACKS = [
    "'",
    '"',
    '"""',
    "\\",
    "\n",
    "\r\n    raise SystemExit",
    "{0}",
    "{1}",
    "{}",
    "{0.__class__}",
    "%s",
    "x0",
    "t0",
    "k0",
    "values",
    "pack",
    "__builtins__",
    "__import__('os').system('exit 1')",
    "'] + [__import__('os')] + ['",
    "); raise SystemExit; (",
    "lambda: 0",
    "\x00",
    "\u2028",
    "\ud800",
    "é" * 500,
    "",
    " ",
]


@pytest.mark.parametrize("evil", ATTACKS, ids=ascii)
def test_names_and_categories_are_never_run(evil):
    data = {evil: [1.0, 2.0, 4.0], f"{evil} ": [evil, "b", None]}
    hot = OneHotEncoder(handle_unknown="ignore")
    ours = ColumnTransformer([("n", StandardScaler(), [evil]), ("c", hot, [f"{evil} "])]).fit(data)
    plain = ColumnTransformer([("n", StandardScaler(), ["a"]), ("c", hot, ["b"])])
    plain.fit({"a": [1.0, 2.0, 4.0], "b": ["a", "b", None]})
    order = OneHotEncoder().fit([[evil], ["b"], [None]]).categories_[0]
    assert list(ours.named_transformers_["c"].categories_[0]) == list(order)
    made = holds(ours, data) if evil != "\ud800" else three_ways(ours, data)  # JSON in UTF-8 has no half of a pair
    assert [row[0] for row in made] == [row[0] for row in plain.transform({"a": [1.0, 2.0, 4.0], "b": list("abc")})]
    assert [sum(row[1:]) for row in made] == [1.0] * 3
    assert ours.get_feature_names_out()[0] == f"n__{evil}"


@pytest.mark.parametrize("evil", ATTACKS, ids=ascii)
def test_names_of_parts_and_parameters_are_never_run(evil):
    name = evil.replace("__", "_") or "a"
    part = OrdinalEncoder(categories=[[evil + "b", evil]], handle_unknown="use_encoded_value", unknown_value=-1)
    ours = Pipeline([(name, part), (name + "2", StandardScaler(with_std=False))]).fit([[evil], [evil + "b"]])
    assert ours.transform([[evil], [evil + "b"], ["?"]]) == [[0.5], [-0.5], [-1.5]]
    if evil != "\ud800":
        assert loads(dumps(ours)).transform([[evil]]) == [[0.5]]


def test_refusals_show_what_they_refuse_and_run_nothing():
    for evil in ATTACKS:
        ours = FunctionTransformer("log").fit({evil: [1.0]})
        with pytest.raises(CannotTransform) as refused:
            ours.transform_one({evil: -1.0})
        assert refused.value.values["feature"] == evil
        with pytest.raises(NotANumber):
            ours.transform_one({evil: evil})


def test_a_function_cannot_be_smuggled_in():
    assert isinstance(Fused((), (), (), {}), Fused)
    for evil in (print, "print", "__import__", "os.system", "log;print"):
        with pytest.raises(ValueError, match="name of a known function"):
            FunctionTransformer(evil).fit([[1.0]])
