"""The file of a kit: a run that is left out has one form."""

from __future__ import annotations

import pytest

from ledger import DamagedLog, KitTitle, new_header, omitted_line, read_kit, seal_line


@pytest.mark.parametrize(
    "line",
    [
        omitted_line(1, 1, [], b""),
        omitted_line(1, 1, [], bytes(31)),
        omitted_line(1, 2, [b""], bytes(32)),
        omitted_line(1, 2, [bytes(33)], bytes(32)),
        omitted_line(1, 1 << 33, [bytes(32)], bytes(32)),
        omitted_line(1, 1, [], bytes(32)).replace(b",", b", ", 1),
    ],
)
def test_a_run_that_is_left_out_is_worded_in_one_way(line: bytes) -> None:
    title = KitTitle((2, 0), ((2, 0),), 2, bytes(32).hex())
    body = title.line() + new_header(0, seed=1).line() + line
    with pytest.raises(DamagedLog, match="worded in one way") as caught:
        read_kit(body + seal_line(body))
    assert caught.value.values["line"] == 3
