"""Write the fixtures again: ``python -m tests.replay.regenerate [name...]`` (all of them without a name).

Names are stories, ``digits`` (needs scikit-learn) and ``invalid``. A change of the stored form shows as a
difference in version control: there must be none, unless a schema version went up.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from tests.replay.fixtures import INVALID, V1
from tests.replay.invalid_ledgers import write_invalid_ledgers
from tests.replay.stories_of_audit import STORIES
from vectordb.testing import record_story


def main(names: list[str]) -> int:
    known = [*STORIES, "digits", "invalid"]
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        print(name, regenerate(name))
    return 0


def regenerate(name: str) -> str:
    """Write one fixture; a word on what happened."""
    if name == "invalid":
        return f"{write_invalid_ledgers(INVALID)} ledgers"
    if name == "digits":
        if find_spec("sklearn") is None:
            return "left as it is: scikit-learn is not installed"
        from tests.replay.digits import write_digits

        return f"{write_digits(V1 / name)} events"
    told = STORIES[name]()
    record_story(told.db, V1 / name, told.at)
    return f"{told.db.head} events"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
