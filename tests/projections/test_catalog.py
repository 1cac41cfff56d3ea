"""The catalog: every definition by name and version, as of any offset."""

from __future__ import annotations

import pytest

from ledger import Int, TrainingSetRecord, UnknownName, ViewDefinition
from projections import Catalog, Shelf, contents
from vectordb import VectorDB


def definition(version: int, name: str = "v") -> ViewDefinition:
    return ViewDefinition(name, version, "e", {"x": Int(default=version)})


@pytest.fixture
def shelf() -> Shelf[ViewDefinition]:
    shelf: Shelf[ViewDefinition] = Shelf("view")
    for offset, version in ((3, 1), (7, 2), (8, 3)):
        shelf.add(offset, definition(version))
    shelf.add(5, definition(1, "w"))
    return shelf


AS_OF = [(None, 3), (99, 3), (8, 3), (7, 2), (6, 1), (3, 1), (2, None), (0, None)]


@pytest.mark.parametrize(("offset", "version"), AS_OF)
def test_a_definition_as_of_an_offset(shelf: Shelf[ViewDefinition], offset: int | None, version: int | None) -> None:
    found = shelf.find("v", offset)
    assert (found.version if found else None) == version
    if version is None:
        with pytest.raises(UnknownName):
            shelf.get("v", offset)
    else:
        assert shelf.get("v", offset) == definition(version)


def test_names_and_versions_as_of_an_offset(shelf: Shelf[ViewDefinition]) -> None:
    assert [shelf.names(offset) for offset in (None, 2, 4, 5)] == [["v", "w"], [], ["v"], ["v", "w"]]
    assert [offset for offset, _ in shelf.versions("v", 7)] == [3, 7] and shelf.versions("x") == []
    assert [(offset, one.label) for offset, one in shelf] == [(3, "v@1"), (7, "v@2"), (8, "v@3"), (5, "w@1")]


@pytest.mark.parametrize(("name", "version"), [("v", 0), ("v", 4), ("v", -1), ("x", 1)])
def test_a_version_that_is_not_there_is_refused(shelf: Shelf[ViewDefinition], name: str, version: int) -> None:
    assert shelf.version("v", 2).version == 2
    with pytest.raises(UnknownName):
        shelf.version(name, version)


def test_marks_as_of_an_offset() -> None:
    db = VectorDB()
    db.mark("a")
    db.mark("b")
    catalog = db.state.catalog
    assert (catalog.mark("a"), catalog.mark("b"), catalog.mark("b", 2)) == (1, 2, 2)
    for name, offset in (("b", 1), ("c", None)):
        with pytest.raises(UnknownName):
            catalog.mark(name, offset)


def test_the_contents_of_a_catalog_are_those_of_every_shelf() -> None:
    catalog = Catalog()
    catalog.reset()
    assert list(catalog.shelves) == [held for held in vars(catalog).values() if isinstance(held, Shelf)]
    record = TrainingSetRecord("march", "s@1", 2, 0, (2, 2), ("x",), (), 1, (1 << 24,), "0" * 64, "1" * 64)
    catalog.views.add(1, definition(1))
    catalog.training_sets.add(3, record)
    told = {"view v@1": (1, definition(1).to_json())}
    assert dict(contents(catalog, 2, False)) == told
    assert dict(contents(catalog, 3, True)) == {**told, "training_set march@1": (3, record.to_json())}
