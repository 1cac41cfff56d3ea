"""Draws: the rows that a fit looks at where there are more than it may."""

from __future__ import annotations

from random import Random
from typing import Any

from vectordb.transforms.table import Table


def drawn(table: Table, subsample: int | None, random_state: Any, again: bool) -> Table:
    """The table, or ``subsample`` rows of it where it has more; ``again``: a row may be drawn more than once.

    Drawn by ``random.Random(random_state)``, None being 0: a fit gives the same twice. NumPy's generator is not
    reproduced, so the rows are not those that scikit-learn draws.
    """
    if subsample is None or table.rows <= subsample:
        return table
    random = Random(0 if random_state is None else int(random_state))
    rows = range(table.rows)
    places = random.choices(rows, k=int(subsample)) if again else random.sample(rows, int(subsample))
    columns = [[column[place] for place in places] for column in table.columns]
    return table._replace(columns=columns, rows=len(places))
