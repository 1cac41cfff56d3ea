"""Proofs of a log by RFC 6962: its tree head, that an event is in it, that it only ever grew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ledger import MerkleTree, OffsetOutOfRange, TreeHead, verify_consistency, verify_inclusion

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.state import State

TREE: Final = "merkle tree"
ORIGIN: Final = "vectordb/"


@dataclass(frozen=True)
class InclusionProof:
    """That the event at ``offset`` of the log of ``size`` events with this ``root`` has this ``digest``.

    ``verify_inclusion(**proof.to_dict())`` checks it, with the proof and the standard library alone.
    """

    digest: str
    offset: int
    size: int
    hashes: tuple[str, ...]
    root: str

    def verify(self) -> bool:
        """True; raises ``InvalidProof`` where it does not hold."""
        return verify_inclusion(**asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the arguments of ``verify_inclusion``."""
        return {**asdict(self), "hashes": list(self.hashes)}


@dataclass(frozen=True)
class ConsistencyProof:
    """That the log of ``second`` events begins with the log of ``first`` events, each told by its root.

    ``verify_consistency(**proof.to_dict())`` checks it, with the proof and the standard library alone.
    """

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: tuple[str, ...]

    def verify(self) -> bool:
        """True; raises ``InvalidProof`` where it does not hold."""
        return verify_consistency(**asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the arguments of ``verify_consistency``."""
        return {**asdict(self), "hashes": list(self.hashes)}


def tree_of(state: State) -> MerkleTree:
    """The Merkle tree of a log, kept with its state; nothing is hashed before it is asked for."""
    found: MerkleTree | None = state.aside.get(TREE)
    if found is None:
        with state.lock:
            found = state.aside.setdefault(TREE, MerkleTree(state.log.chain.digests))
    return found


def size_of(reader: Reader, size: int | None) -> int:
    """A size of the log that the reader knows; None is all that it knows."""
    head = reader.as_of_offset
    if size is None:
        return head
    if type(size) is not int or not 0 <= size <= head:
        raise OffsetOutOfRange("a tree is of a size that the log had", size=size, first=0, last=head)
    return size


def root(reader: Reader, size: int | None) -> str:
    """The root in hex."""
    return tree_of(reader.state).root(size_of(reader, size)).hex()


def tree_head(reader: Reader, size: int | None) -> str:
    """The tree head as text."""
    wanted = size_of(reader, size)
    origin = ORIGIN + reader.header.ledger_id
    return TreeHead(origin, wanted, tree_of(reader.state).root(wanted)).text()


def inclusion(reader: Reader, offset: int, size: int | None) -> InclusionProof:
    """The proof of an event."""
    wanted = size_of(reader, size)
    if type(offset) is not int or not 1 <= offset <= wanted:
        raise OffsetOutOfRange("an event's offset lies in the tree", offset=offset, first=1, last=wanted)
    tree = tree_of(reader.state)
    digest = reader.state.log.digest(offset)
    hashes = _hex(tree.inclusion(offset - 1, wanted))
    return InclusionProof(digest.hex(), offset, wanted, hashes, tree.root(wanted).hex())


def consistency(reader: Reader, first: int, second: int | None) -> ConsistencyProof:
    """The proof of growth."""
    new = size_of(reader, second)
    if type(first) is not int or not 0 <= first <= new:
        raise OffsetOutOfRange("the first tree is no larger than the second", offset=first, first=0, last=new)
    tree = tree_of(reader.state)
    hashes = _hex(tree.consistency(first, new))
    return ConsistencyProof(first, new, tree.root(first).hex(), tree.root(new).hex(), hashes)


def _hex(hashes: list[bytes]) -> tuple[str, ...]:
    return tuple(found.hex() for found in hashes)
