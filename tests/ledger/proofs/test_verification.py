"""A proof that was changed in any way never passes; and the file that checks proofs stands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ledger.proofs.verification
from ledger import InvalidProof, verify_consistency, verify_inclusion
from ledger.proofs.verification import EMPTY_ROOT
from tests.ledger.proofs.trees import digests, hexed, tree_over

SIZES = (1, 2, 3, 5, 8, 13, 16, 21)
LEAVES = digests(30)
TREE = tree_over(LEAVES)


def inclusion(index: int, size: int) -> dict[str, Any]:
    hashes = hexed(TREE.inclusion(index, size))
    root = TREE.root(size).hex()
    return {"digest": LEAVES[index].hex(), "offset": index + 1, "size": size, "hashes": hashes, "root": root}


def consistency(first: int, second: int) -> dict[str, Any]:
    roots = {"first_root": TREE.root(first).hex(), "second_root": TREE.root(second).hex()}
    return {"first": first, "second": second, **roots, "hashes": hexed(TREE.consistency(first, second))}


def flipped(text: str, bit: int) -> str:
    raw = bytearray.fromhex(text)
    raw[bit // 8] ^= 1 << bit % 8
    return raw.hex()


def refuse(check: Any, proof: dict[str, Any], **changes: Any) -> None:
    with pytest.raises(InvalidProof) as error:
        check(**{**proof, **changes})
    assert error.value.rule and isinstance(error.value, ValueError)


@pytest.mark.parametrize("size", SIZES)
def test_any_flipped_bit_of_an_inclusion_proof_fails(size: int) -> None:
    for index in range(size):
        proof = inclusion(index, size)
        for bit in range(0, 256, 37):
            refuse(verify_inclusion, proof, digest=flipped(proof["digest"], bit))
            refuse(verify_inclusion, proof, root=flipped(proof["root"], bit))
            for place, text in enumerate(proof["hashes"]):
                changed = [*proof["hashes"][:place], flipped(text, bit), *proof["hashes"][place + 1 :]]
                refuse(verify_inclusion, proof, hashes=changed)


@pytest.mark.parametrize("size", SIZES)
def test_a_wrong_index_size_or_number_of_nodes_fails(size: int) -> None:
    for index in range(size):
        proof = inclusion(index, size)
        for offset in {-1, 0, *range(1, size + 3)} - {index + 1}:
            refuse(verify_inclusion, proof, offset=offset)
        refuse(verify_inclusion, proof, hashes=[*proof["hashes"], bytes(32).hex()])
        refuse(verify_inclusion, proof, hashes=[bytes(32).hex(), *proof["hashes"]])
        for place in range(len(proof["hashes"])):
            refuse(verify_inclusion, proof, hashes=proof["hashes"][:place] + proof["hashes"][place + 1 :])
        if len(proof["hashes"]) > 1:
            refuse(verify_inclusion, proof, hashes=proof["hashes"][::-1])
        for wrong in {*range(1, 31)} - {size}:  # size and root come from one tree head
            refuse(verify_inclusion, proof, size=wrong, root=TREE.root(wrong).hex())
        for wrong in (-size, 0, index, 2 * size + 40):
            refuse(verify_inclusion, proof, size=wrong)


@pytest.mark.parametrize("second", SIZES)
def test_a_changed_consistency_proof_fails(second: int) -> None:
    for first in range(1, second):
        proof = consistency(first, second)
        for bit in range(0, 256, 61):
            refuse(verify_consistency, proof, first_root=flipped(proof["first_root"], bit))
            refuse(verify_consistency, proof, second_root=flipped(proof["second_root"], bit))
            for place, text in enumerate(proof["hashes"]):
                changed = [*proof["hashes"][:place], flipped(text, bit), *proof["hashes"][place + 1 :]]
                refuse(verify_consistency, proof, hashes=changed)
        refuse(verify_consistency, proof, hashes=[*proof["hashes"], bytes(32).hex()])
        refuse(verify_consistency, proof, hashes=[bytes(32).hex(), *proof["hashes"]])
        refuse(verify_consistency, proof, hashes=proof["hashes"][:-1])
        refuse(verify_consistency, proof, hashes=[])
        refuse(verify_consistency, proof, first=second, second=first)
        refuse(verify_consistency, proof, first=second)
        refuse(verify_consistency, proof, second=first)
        for wrong in {-1, *range(1, second)} - {first}:
            refuse(verify_consistency, proof, first=wrong)


def test_the_empty_log_and_the_log_itself() -> None:
    assert verify_consistency(**consistency(0, 5)) and verify_consistency(**consistency(5, 5))
    assert verify_consistency(**consistency(0, 0))
    refuse(verify_consistency, consistency(0, 5), first_root=bytes(32).hex())
    refuse(verify_consistency, consistency(0, 5), hashes=[EMPTY_ROOT.hex()])
    refuse(verify_consistency, consistency(0, 5), second_root="no hash")
    refuse(verify_consistency, consistency(5, 5), second_root=TREE.root(6).hex())
    refuse(verify_consistency, consistency(5, 5), hashes=[bytes(32).hex()])


@pytest.mark.parametrize("bad", [
    "", "00", bytes(33).hex(), bytes(32), None, 7, bytes([171] * 32).hex().upper(), "é" * 64,
    " " + bytes(31).hex() + " ", "zz" * 32,
])  # fmt: skip
def test_a_hash_is_64_digits_and_nothing_else(bad: Any) -> None:
    proof = inclusion(3, 8)
    refuse(verify_inclusion, proof, digest=bad)
    refuse(verify_inclusion, proof, root=bad)
    refuse(verify_inclusion, proof, hashes=[bad, *proof["hashes"][1:]])
    refuse(verify_consistency, consistency(3, 8), first_root=bad)


@pytest.mark.parametrize("bad", [True, 1.0, "1", None])
def test_offsets_and_sizes_are_whole_numbers(bad: Any) -> None:
    for name in ("offset", "size"):
        refuse(verify_inclusion, inclusion(0, 1), **{name: bad})
    for name in ("first", "second"):
        refuse(verify_consistency, consistency(1, 1), **{name: bad})
    refuse(verify_inclusion, inclusion(0, 1), hashes="")


def test_the_file_runs_alone(tmp_path: Path) -> None:
    source = Path(ledger.proofs.verification.__file__).read_text("utf-8")
    (tmp_path / "verification.py").write_text(source, "utf-8")
    (tmp_path / "proof.json").write_text(json.dumps([inclusion(4, 21), consistency(13, 21)]), "utf-8")
    program = (
        "import json, sys; from verification import *; one, two = json.load(open('proof.json'));"
        "assert verify_inclusion(**one) and verify_consistency(**two);"
        "assert not {'ledger', 'vectordb', 'projections'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60, env={"PYTHONPATH": ""})


def test_numbers_of_any_length_and_other_things_are_refused_at_once() -> None:
    proof, growth, huge = inclusion(4, 8), consistency(3, 8), 10**5000
    for wrong in (huge, -huge, 1 << 63, True, 5.0, "5", None):
        refuse(verify_inclusion, proof, offset=wrong)
        refuse(verify_inclusion, proof, size=wrong)
        refuse(verify_consistency, growth, first=wrong)
        refuse(verify_consistency, growth, second=wrong)
        refuse(verify_inclusion, proof, digest=wrong)
        refuse(verify_inclusion, proof, hashes=wrong)
        refuse(verify_inclusion, proof, root=[wrong])
    endless: list[Any] = []
    endless.append(endless)
    refuse(verify_inclusion, proof, hashes=endless)
