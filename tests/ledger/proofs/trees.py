"""A naive Merkle tree, straight from the definitions of RFC 6962 (section 2.1), and leaves to try it on."""

from __future__ import annotations

from hashlib import sha256
from random import Random

from ledger import MerkleTree


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(leaves) < 2:
        return sha256(b"\0" + leaves[0] if leaves else b"").digest()
    k = below(len(leaves))
    return sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = below(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_growth(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = below(len(leaves))
    if m <= k:
        return [*naive_growth(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_growth(m - k, leaves[k:], False), naive_root(leaves[:k])]


def below(size: int) -> int:
    """The greatest power of two below a size."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def digests(count: int, seed: int = 1) -> list[bytes]:
    """So many leaves of 32 bytes."""
    random = Random(seed)
    return [random.randbytes(32) for _ in range(count)]


def tree_over(leaves: list[bytes]) -> MerkleTree:
    """Ours, over a list that may grow."""
    return MerkleTree(lambda start, stop: b"".join(leaves[start:stop]))


def hexed(hashes: list[bytes]) -> list[str]:
    """In hex, as proofs have them."""
    return [found.hex() for found in hashes]
