"""fuzz: mutations of real ledgers, checkpoints, kits, proofs and definitions, on and on.

    python -m tests.bench.fuzz --minutes 10 --seed 1     every reader in turn; exit code 1 where one is at fault
    python -m tests.bench.fuzz --atheris kit             one reader under coverage guidance, where atheris is installed

A fault is any error but the reader's own, an error without its place, or a state that is not sound. The bytes of a
fault are written to a file that is named. Memory is the peak of what was allocated, measured for every tenth input.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from tests.bench.lines import Line, write_lines
from tests.hostile.readers import READERS, inputs_of, samples_of, try_bytes

MEASURED = 10  # one input of so many is measured for memory, which makes it slow
BATCH = 20  # inputs of a reader before it is the next one's turn


@dataclass
class Tried:
    """What was tried of one reader. Seconds (of the processor) and bytes are each with the size of the input."""

    inputs: int = 0
    said: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    hungriest: tuple[int, int] = (0, 0)
    faults: dict[str, Path] = field(default_factory=dict)

    def take(self, name: str, data: bytes, folder: Path) -> None:
        """Try one input."""
        self.inputs += 1
        measured = self.inputs % MEASURED == 0
        if measured:
            tracemalloc.start()
        start = time.process_time()
        try:
            self.said[try_bytes(name, data, folder)] += 1
        except Exception as error:  # the fault that is looked for: kept, counted, and told at the end
            self._keep(name, data, f"{type(error).__name__}: {str(error)[:200]}")
        seconds = time.process_time() - start
        if measured:
            self.hungriest = max(self.hungriest, (tracemalloc.get_traced_memory()[1], len(data)))
            tracemalloc.stop()
        else:
            self.slowest = max(self.slowest, (seconds, len(data)))

    def _keep(self, name: str, data: bytes, fault: str) -> None:
        if fault not in self.faults:
            path = Path(gettempdir(), f"fuzz-{name.replace(' ', '-')}-{self.inputs}")
            path.write_bytes(data)
            self.faults[fault] = path


def fuzz(names: Sequence[str], seconds: float, seed: int, folder: Path, most: int = sys.maxsize) -> dict[str, Tried]:
    """Try inputs of some readers in turn, until the time is over or each had so many."""
    end = time.monotonic() + seconds
    tried = {name: Tried() for name in names}
    streams: dict[str, Iterator[bytes]] = {name: inputs_of(name, seed, folder) for name in names}
    for name in names:  # once in good order, so that no first use is measured
        for sample in samples_of(name, folder):
            assert try_bytes(name, sample, folder) == "read", name
    while time.monotonic() < end and any(one.inputs < most for one in tried.values()):
        for name, one in tried.items():
            for _ in range(min(BATCH, most - one.inputs)):
                one.take(name, next(streams[name]), folder)
    return tried


def told(tried: dict[str, Tried]) -> Iterator[str]:
    """A line a reader, and its faults."""
    for name, one in tried.items():
        said = ", ".join(f"{error} {count:,}" for error, count in one.said.most_common())
        (seconds, of), (peak, size) = one.slowest, one.hungriest
        yield (
            f"{name:16} {one.inputs:>8,} inputs  slowest {seconds * 1e3:6.0f} ms of {of:,} B  "
            f"peak {peak / 1e6:5.1f} MB of {size:,} B  {said}"
        )
        yield from (f"    FAULT {fault}  kept in {path}" for fault, path in one.faults.items())
    errors = {error for one in tried.values() for error in one.said} - {"read"}
    inputs, faults = sum(one.inputs for one in tried.values()), sum(len(one.faults) for one in tried.values())
    yield f"{inputs:,} inputs, {len(errors)} kinds of errors ({', '.join(sorted(errors))}), {faults} faults"


def lines(tried: dict[str, Tried]) -> Iterator[Line]:
    """All readers together."""
    inputs, faults = sum(one.inputs for one in tried.values()), sum(len(one.faults) for one in tried.values())  # ints
    (peak, size), (slow, of) = (max(getattr(one, most) for one in tried.values()) for most in ("hungriest", "slowest"))
    yield Line(
        f"mutated ledgers, checkpoints, kits, proofs and definitions, {len(tried)} readers",
        f"{inputs:,} inputs, {faults} faults; largest peak {peak / 1e6:.1f} MB for {size / 1e3:,.0f} kB, "
        f"slowest {slow * 1e3:,.0f} ms for {of / 1e3:,.0f} kB",
        "a named error, bounded time and memory",
        met=not faults,
    )


def under_atheris(name: str, folder: Path) -> None:
    """Coverage-guided; what it finds ends it with a trace. It has no end of its own."""
    import atheris

    atheris.instrument_all()
    atheris.Setup([sys.argv[0]], lambda data: try_bytes(name, data, folder) and None)
    atheris.Fuzz()


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="at most so many of each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", metavar="READER", choices=READERS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    parser.add_argument("readers", nargs="*", help=f"of {', '.join(READERS)}; all when none is named")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        if options.atheris:
            under_atheris(options.atheris, Path(folder))
        names = options.readers or list(READERS)
        tried = fuzz(names, options.minutes * 60, options.seed, Path(folder), options.inputs)
    print("\n".join(told(tried)))
    write_lines(options.json, lines(tried))
    return int(any(one.faults for one in tried.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
