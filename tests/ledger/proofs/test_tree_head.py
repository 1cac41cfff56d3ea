"""The text of a tree head: one wording, read strictly, signatures passed through."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import InvalidInput, TreeHead, parse_tree_head

# The example of C2SP's tlog-checkpoint, its signatures shortened.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE\n"
)


def test_the_example_of_the_specification() -> None:
    head = parse_tree_head(EXAMPLE)
    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert head.root.hex().startswith("0ac5186a") and len(head.signatures) == 1 and head.extensions == ()
    assert head.text() == EXAMPLE


@pytest.mark.parametrize("extensions", [(), ("a",), ("Timestamp: 1", "é — ok")])
@pytest.mark.parametrize("signatures", [(), ("— name AAAA",), ("— a AAA=", "— b+c.de/f AA==")])
def test_what_is_written_is_read(extensions: tuple[str, ...], signatures: tuple[str, ...]) -> None:
    head = TreeHead("vectordb/00ff", 12, bytes(range(32)), extensions, signatures)
    if any("+" in line.split()[1] for line in signatures):
        with pytest.raises(InvalidInput):  # a key's name has no plus
            head.text()
        return
    assert parse_tree_head(head.text()) == head
    assert head.text().startswith("vectordb/00ff\n12\nAAECAwQF")


@pytest.mark.parametrize(("old", "new"), [
    ("20852163", "020852163"), ("20852163", "-1"), ("20852163", "2e3"), ("20852163", ""), ("20852163", "9" * 19),
    ("20852163", "٣"), ("=\n", "\n"), ("CsUY", "CsU"), ("q2I=", "q2J="), ("CsUY", "Cs UY"), ("\n\n", "\n"),
    ("example.com/behind-the-sofa\n2", "\n2"), ("behind", "beh\tind"), ("— ", "- "), ("— ", ""), ("\n\n", "\n\n\n"),
    ("\n\n", "\r\n\n"), ("zyWE\n", "zyWE"), ("zyWE\n", "zyWE\n\n"), ("Az3g", "Az3!"),
])  # fmt: skip
def test_any_other_wording_is_refused(old: str, new: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(InvalidInput):
        parse_tree_head(EXAMPLE.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "\n", "a\n1\n", b"a\n1\n", None, "a\n1\nAAAA\n"])
def test_other_things_are_refused(text: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_tree_head(text)


@pytest.mark.parametrize("change", [
    {"origin": ""}, {"origin": "a\nb"}, {"origin": "\ud800"}, {"size": -1}, {"size": 2**63}, {"size": True},
    {"root": bytes(31)}, {"extensions": ("",)}, {"extensions": ("a\nb",)}, {"signatures": ("x",)},
])  # fmt: skip
def test_a_head_that_has_no_text_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        TreeHead("a", 1, bytes(32))._replace(**change).text()
