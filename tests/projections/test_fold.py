"""The one replay loop: the sequence that readers compare, and what is behind."""

from __future__ import annotations

import pytest

from ledger import Event, ProjectionError
from projections import Fold, Lineage, Predictions, Rows
from tests.contracts.saga import tell
from tests.contracts.tally import Tally
from vectordb import VectorDB


class Broken(Tally):
    """Raises at one offset while ``broken``."""

    name = "broken"
    broken = True

    def apply(self, event: Event) -> None:
        if event.offset == 3 and self.broken:
            raise ValueError("a bug")
        super().apply(event)


class BrokenRows(Rows):
    """The same for one that is essential: its handlers raise."""

    broken = True

    def _row(self, event: Event) -> None:
        if event.offset == 3 and self.broken:
            raise ValueError("a bug")
        super()._row(event)


def saga() -> VectorDB:
    return tell()


def test_the_sequence_is_odd_only_while_events_are_folded() -> None:
    db = saga()
    fold = Fold(db.state.log, [Rows()])
    seen = [fold.sequence]
    for event in db.events():
        fold.sequence |= 1
        assert fold.sequence & 1
        fold.apply(event)
        fold.end()
        seen.append(fold.sequence)
    assert seen == list(range(0, 2 * db.head + 1, 2)) and fold.repairs == 0


def test_running_counts_the_events() -> None:
    db = saga()
    fold = Fold(db.state.log, [])
    assert fold.run(db.events(1, 5)) == 4 and fold.run([]) == 0


def test_a_projection_that_raises_is_behind_and_the_others_go_on() -> None:
    db = saga()
    broken, tally, rows = Broken(), Tally(), Rows()
    fold = Fold(db.state.log, [broken, tally, rows])
    fold.run(db.events())
    assert list(fold.behind) == [broken] and broken.offsets == [1, 2]
    assert tally.events == db.head and rows.counts() == db.state.rows.counts()
    assert not fold.sequence & 1 and not fold.repairs & 1, "a user's projection stops no reader"
    with pytest.raises(ProjectionError) as caught:
        fold.heal(essential=False)
    assert caught.value.values["projection"] == "broken" and "a bug" in str(caught.value)
    broken.broken = False
    fold.heal(essential=False)
    assert not fold.behind and broken.offsets == tally.offsets


def test_an_essential_one_keeps_readers_out_until_it_is_healed() -> None:
    db = saga()
    rows = BrokenRows()
    fold = Fold(db.state.log, [rows, Lineage(), Predictions()])
    for event in db.events():
        fold.sequence |= 1
        fold.apply(event)
        fold.end()
    assert fold.sequence & 1 and fold.repairs & 1
    with pytest.raises(ProjectionError):
        fold.heal()
    assert fold.sequence & 1 and fold.repairs & 1
    rows.broken = False
    fold.heal()
    assert not fold.sequence & 1 and not fold.repairs & 1 and not fold.behind
    rows.check()
    assert rows.dump() == db.state.rows.dump()


def test_repairs_move_so_that_readers_of_the_past_notice() -> None:
    db = saga()
    fold = db.state.fold
    before = fold.repairs, fold.sequence
    fold.all_behind(KeyboardInterrupt())
    assert set(fold.behind) == set(fold.projections)
    fold.heal()
    assert fold.repairs > before[0] and fold.sequence > before[1] and not fold.behind
    db.check()


def test_each_projection_has_its_own_name() -> None:
    with pytest.raises(ProjectionError):
        Fold(saga().state.log, [Tally(), Tally()])


def test_handlers_are_found_for_the_fact_itself_before_its_base() -> None:
    from ledger import Fact, RowPut

    class Both(Tally):
        def handlers(self):  # type: ignore[no-untyped-def]
            return {Fact: self.apply, RowPut: self.single}

        def single(self, event: Event) -> None:
            self.types["single"] = self.types.get("single", 0) + 1

    db = saga()
    both = Both()
    Fold(db.state.log, [both]).run(db.events())
    assert "row_put" not in both.types and both.types["single"] == len(db.events(type="row_put"))
