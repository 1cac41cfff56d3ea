"""Where a unit falls: hashing only, the same on every machine and in every language.

The bytes hashed are ``<bytes of salt>:<salt>,<kind><unit>`` in UTF-8. A text is ``s`` and itself, an int ``i`` and its
decimal digits, a tuple ``t`` and its parts, each as ``<bytes>:<kind><part>,``. So ``1``, ``"1"`` and ``(1,)`` are three
units, and no two pairs of salt and unit have the same bytes.

Of the SHA-256 digest the first 8 bytes, big-endian and shifted right by 11, over 2**53 are the traffic fraction, the
next 8 the split fraction: both below 1, without modulo and without bias.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import ceil, fsum
from typing import Final, Protocol

from ledger import SEGMENTS, Entity, InvalidInput, check_entity
from vectordb.experiments.stats.inputs import check_probability, check_weights

_ONE: Final = 1 << 53
_KINDS: Final = frozenset({str, int, tuple})
_SCALARS: Final = frozenset({str, int})
_PLAIN: Final = 1 << 64  # ints below need no check of their length
_NEVER: Final = b"\xff" * 33  # above every digest


class _Hash(Protocol):
    def update(self, obj: bytes, /) -> None: ...
    def copy(self) -> _Hash: ...
    def digest(self) -> bytes: ...


class Hasher:
    """The digests of units under one salt, which is hashed once: 0.5 us a unit.

    >>> Hasher("checkout").digest("u-1") == sha256(b"8:checkout,su-1").digest()
    True
    """

    __slots__ = ("salt", "text", "_number", "_parts")

    def __init__(self, salt: str) -> None:
        if not isinstance(salt, str) or not salt:
            raise InvalidInput("a salt is a text that is not empty", salt=salt)
        self.salt = salt
        raw = _encoded(salt)
        start = sha256(b"%d:%s," % (len(raw), raw))
        self.text, self._number, self._parts = (_fed(start, kind) for kind in (b"s", b"i", b"t"))

    def digest(self, unit: Entity) -> bytes:
        """SHA-256 over salt and unit. Raises ``InvalidEntity``."""
        kind = type(unit)
        if kind not in _KINDS or (not unit and kind is not int):
            unit = check_entity(unit)
        if isinstance(unit, str):
            hashed = self.text.copy()
            hashed.update(_utf8(unit))
        elif isinstance(unit, tuple):
            hashed = self._parts.copy()
            hashed.update(_parts(unit))
        else:
            hashed = self._number.copy()
            hashed.update(_decimal(unit))
        return hashed.digest()

    def segment(self, unit: Entity) -> int:
        """The segment of a layer that a unit is in, from 0 to 9,999: its first fraction. 0.6 us."""
        return (int.from_bytes(self.digest(unit)[:8], "big") >> 11) * SEGMENTS >> 53


def fractions(salt: str, unit: Entity) -> tuple[float, float]:
    """The traffic fraction and the split fraction of a unit, each from 0 to below 1 and independent of the other.

    >>> [round(fraction, 6) for fraction in fractions("checkout", "u-1")]
    [0.339016, 0.509634]
    """
    digest = Hasher(salt).digest(unit)
    return _fraction(digest[:8]), _fraction(digest[8:16])


class Splitter:
    """A split of units into arms: who is in by the traffic fraction, which arm by the split fraction.

    Ranges are half-open and follow the order of the arms. Raising ``traffic`` only adds units; nobody moves.

    >>> split = Splitter("checkout", {"control": 0.5, "treatment": 0.5}, traffic=0.5)
    >>> split.arms([1, 2, 3, 4, 5, 6])
    ['control', None, 'treatment', None, None, None]
    """

    __slots__ = ("salt", "weights", "traffic", "_hasher", "_names", "_ends", "_limit")

    def __init__(self, salt: str, arms: Mapping[str, float], traffic: float = 1.0) -> None:
        self._hasher = Hasher(salt)
        self.salt = salt
        self.weights: Mapping[str, float] = dict(zip(arms, check_weights(arms.values())))
        self.traffic = check_probability("traffic", traffic)
        self._names = tuple(self.weights)
        self._ends = tuple(_ends(tuple(self.weights.values())))
        self._limit = _bound(self.traffic)

    def arm(self, unit: Entity) -> str | None:
        """The arm of a unit, None when it is not in. 0.6 us, of a tuple 2 us. Raises ``InvalidEntity``."""
        digest = self._hasher.digest(unit)
        return self._names[bisect_right(self._ends, digest[8:16])] if digest < self._limit else None

    def arms(self, units: Iterable[Entity]) -> list[str | None]:
        """The arms of many units, in order. 0.5 us a text, 0.8 us an int, 2 us a tuple. Raises ``InvalidEntity``."""
        names, ends, limit, copy = self._names, self._ends, self._limit, self._hasher.text.copy
        digest_of, place, utf8 = self._hasher.digest, bisect_right, _utf8
        found: list[str | None] = []
        add = found.append
        for unit in units:
            if type(unit) is str and unit:
                hashed = copy()
                hashed.update(utf8(unit))
                digest = hashed.digest()
            else:
                digest = digest_of(unit)
            add(names[place(ends, digest[8:16])] if digest < limit else None)
        return found

    def propensity(self, arm: str | None) -> float:
        """The probability with which a unit is in this arm, or in none."""
        if arm is None:
            return 1.0 - self.traffic
        if arm not in self.weights:
            raise InvalidInput("an arm of the split", arm=arm, arms=list(self._names))
        return self.traffic * self.weights[arm]


def _ends(weights: Sequence[float]) -> list[bytes]:
    """Where each arm but the last ends, as bytes that digests compare with; the last with a weight takes the rest."""
    last = max(place for place, weight in enumerate(weights) if weight)
    return [_bound(fsum(weights[: place + 1]) if place < last else 1.0) for place in range(len(weights) - 1)]


def _bound(share: float) -> bytes:
    """What the first 8 bytes of a digest are below exactly when their fraction is below ``share``."""
    steps = ceil(share * _ONE)
    return (steps << 11).to_bytes(8, "big") if steps < _ONE else _NEVER


def _fraction(raw: bytes) -> float:
    return (int.from_bytes(raw, "big") >> 11) / _ONE


def _fed(start: _Hash, kind: bytes) -> _Hash:
    hashed = start.copy()
    hashed.update(kind)
    return hashed


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        check_entity(text)  # which says what is wrong
        raise


def _decimal(number: int) -> bytes:
    if not -_PLAIN < number < _PLAIN:
        check_entity(number)
    return b"%d" % number


def _parts(parts: tuple[str | int, ...]) -> bytes:
    """Each part as ``<bytes>:<kind><part>,``, which no other parts can look like."""
    if "" in parts or not _SCALARS.issuperset(map(type, parts)):
        check_entity(parts)
    raw = [b"s" + _utf8(part) if isinstance(part, str) else b"i" + _decimal(part) for part in parts]
    return b"".join([b"%d:%b," % (len(part), part) for part in raw])


def _encoded(salt: str) -> bytes:
    try:
        return salt.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("a salt is encodable as UTF-8", salt=salt) from error
