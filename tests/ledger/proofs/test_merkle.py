"""The Merkle tree against the published roots, and against the definitions of RFC 6962."""

from __future__ import annotations

from random import Random
from threading import Thread

import pytest

from ledger import CompactTree, MerkleTree, OffsetOutOfRange, verify_consistency, verify_inclusion
from ledger.proofs.merkle import blocks
from ledger.proofs.verification import leaf_hash
from tests.ledger.proofs.trees import digests, hexed, naive_growth, naive_path, naive_root, tree_over

# The reference tests of certificate-transparency: leaf data, and the root of the first n leaves.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    tree = CompactTree()
    for leaf in LEAVES[:size]:
        tree.add(leaf_hash(leaf))
    assert (tree.size, tree.root().hex()) == (size, ROOTS[size])
    assert naive_root(LEAVES[:size]).hex() == ROOTS[size]  # the judge of the other tests


def test_roots_of_every_size() -> None:
    leaves = digests(300)
    tree = tree_over(leaves)
    assert [tree.root(size) for size in range(301)] == [naive_root(leaves[:size]) for size in range(301)]
    assert tree.root(0).hex() == ROOTS[0]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 16, 17, 31, 33, 64, 100, 511, 1000])
def test_proofs_are_those_of_the_definitions_and_verify(size: int) -> None:
    leaves = digests(size, seed=size)
    tree, random = tree_over(leaves), Random(size)
    root = tree.root(size).hex()
    for index in {0, size - 1, *random.sample(range(size), min(size, 20))}:
        path = tree.inclusion(index, size)
        assert path == naive_path(index, leaves)
        assert verify_inclusion(leaves[index].hex(), index + 1, size, hexed(path), root)
    for first in {1, size, *random.sample(range(1, size + 1), min(size, 20))}:
        path = tree.consistency(first, size)
        assert path == naive_growth(first, leaves)
        assert verify_consistency(first, size, tree.root(first).hex(), root, hexed(path))


def test_every_proof_of_every_small_tree_verifies() -> None:
    leaves = digests(40)
    tree = tree_over(leaves)
    roots = [naive_root(leaves[:size]).hex() for size in range(41)]
    for size in range(1, 41):
        for index in range(size):
            assert verify_inclusion(
                leaves[index].hex(), index + 1, size, hexed(tree.inclusion(index, size)), roots[size]
            )
        for first in range(size + 1):
            assert verify_consistency(first, size, roots[first], roots[size], hexed(tree.consistency(first, size)))


def test_a_random_tree_of_a_thousand_leaves_in_any_order_of_questions() -> None:
    leaves = digests(1000, seed=9)
    tree, random = tree_over(leaves), Random(9)
    for _ in range(60):
        size = random.randint(1, 1000)
        index, first = random.randrange(size), random.randint(0, size)
        root = tree.root(size).hex()
        assert verify_inclusion(leaves[index].hex(), index + 1, size, hexed(tree.inclusion(index, size)), root)
        proof = hexed(tree.consistency(first, size))
        assert verify_consistency(first, size, tree.root(first).hex(), root, proof)


def test_leaves_are_asked_for_once_and_in_order() -> None:
    leaves, asked = digests(200), []

    def read(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return b"".join(leaves[start:stop])

    tree = MerkleTree(read)
    assert not asked
    first = tree.root(160)
    assert asked == [(start, start + 16) for start in range(0, 160, 16)] or asked == [(0, 128), (128, 160)]
    asked.clear()
    assert tree.root(160) == first and tree.hashed == 160 and not asked
    tree.root(200)
    assert min(start for start, _ in asked) == 160


def test_a_list_that_grows_keeps_its_old_roots() -> None:
    leaves = digests(10)
    tree = tree_over(leaves)
    old = {size: tree.root(size) for size in range(11)}
    leaves += digests(500, seed=2)
    tree.root(510)
    assert {size: tree.root(size) for size in range(11)} == old


def test_many_threads_may_ask_at_once() -> None:
    leaves = digests(5000)
    tree, expected = tree_over(leaves), naive_root(leaves)
    found: list[bytes] = []
    threads = [Thread(target=lambda: found.append(tree.root(5000))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_what_is_not_in_the_tree_is_refused() -> None:
    tree = tree_over(digests(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(OffsetOutOfRange):
            tree.inclusion(index, size)
    for first, second in ((4, 3), (-1, 3)):
        with pytest.raises(OffsetOutOfRange):
            tree.consistency(first, second)


def test_runs_are_covered_by_the_fewest_full_subtrees() -> None:
    for start in range(20):
        for stop in range(start, 40):
            covered = [place for height, index in blocks(start, stop)
                       for place in range(index << height, (index + 1) << height)]  # fmt: skip
            assert covered == list(range(start, stop))
            assert len(blocks(start, stop)) <= 2 * (stop - start + 1).bit_length()


def test_a_compact_tree_takes_leaves_and_subtrees() -> None:
    leaves, random = digests(600), Random(3)
    tree = tree_over(leaves)
    for _ in range(30):
        size = random.randint(1, 600)
        compact, place = CompactTree(), 0
        while place < size:
            stop = random.randint(place + 1, size)
            for found, (height, _index) in zip(tree.cover(place, stop), blocks(place, stop), strict=True):
                compact.add(found, height)
            place = stop
        assert compact.root() == naive_root(leaves[:size]) and compact.size == size
    assert CompactTree().root().hex() == ROOTS[0]
    with pytest.raises(OffsetOutOfRange):
        compact = CompactTree()
        compact.add(bytes(32))
        compact.add(bytes(32), 1)
