"""A tree head, and its text as C2SP's tlog-checkpoint has it: what a log publishes, signs and compares.

    vectordb/<ledger id>        the origin: which log
    1200                        the number of events
    <base64 of 32 bytes>        the root
    ...                         extension lines, if any
                                an empty line, and signatures ("— name base64"), if somebody added them

Nothing is signed here: append the signature lines of a note to the text. Source: https://c2sp.org/tlog-checkpoint,
https://c2sp.org/signed-note.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Final, NamedTuple

from ledger.errors import InvalidInput

ROOT_SIZE: Final = 32
MAX_SIZE: Final = 2**63 - 1
DASH: Final = "— "
_SIZE = re.compile("0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"— [^\s+]+ ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f\ud800-\udfff]")  # nor what no file can hold


class TreeHead(NamedTuple):
    """Size and root of a log; ``signatures`` are the lines after the text, unchecked.

    >>> head = TreeHead("vectordb/00", 0, bytes(32))
    >>> parse_tree_head(head.text()) == head
    True
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()

    def text(self) -> str:
        """The checkpoint text; with an empty line and the signatures, where there are any."""
        _check(self)
        note = "".join(f"{line}\n" for line in (self.origin, self.size, b64encode(self.root).decode()))
        note += "".join(f"{line}\n" for line in self.extensions)
        return note + "".join(f"{line}\n" for line in ("", *self.signatures)) if self.signatures else note


def parse_tree_head(text: str) -> TreeHead:
    """The tree head of a checkpoint text; raises ``InvalidInput`` for any other text than ``TreeHead.text`` gives."""
    if not isinstance(text, str) or not text.endswith("\n"):
        raise InvalidInput("a checkpoint is text whose last line ends with a newline", text=text)
    note, blank, signed = text.partition("\n\n")
    lines = (note if blank else note[:-1]).split("\n")
    if len(lines) < 3 or not _SIZE.fullmatch(lines[1]):
        raise InvalidInput("a checkpoint has an origin, a size in decimal digits and a root", text=text)
    signatures = tuple(signed[:-1].split("\n")) if blank else ()
    head = TreeHead(lines[0], int(lines[1]), _root(lines[2]), tuple(lines[3:]), signatures)
    if head.text() != text:
        raise InvalidInput("a checkpoint is worded in one way", text=text)
    return head


def _root(text: str) -> bytes:
    try:
        root = b64decode(text, validate=True)
    except ValueError:
        root = b""
    if len(root) != ROOT_SIZE or b64encode(root).decode() != text:
        raise InvalidInput("the root of a checkpoint is base64 of 32 bytes", root=text)
    return root


def _check(head: TreeHead) -> None:
    for line in (head.origin, *head.extensions, *head.signatures):
        if not isinstance(line, str) or not line or "\n" in line or _CONTROL.search(line):
            raise InvalidInput("a line of a checkpoint is text without control characters, and not empty", line=line)
    if any(line.startswith(DASH) for line in head.extensions):
        raise InvalidInput("an extension line does not look like a signature", extensions=head.extensions)
    if type(head.size) is not int or not 0 <= head.size <= MAX_SIZE or len(head.root) != ROOT_SIZE:
        raise InvalidInput("a tree head has a size from 0 and a root of 32 bytes", size=head.size, root=head.root)
    for line in head.signatures:
        if not _SIGNATURE.fullmatch(line):
            raise InvalidInput("a signature line is a dash, a name and base64", line=line)
