"""The story of the handwritten digits: real measurements, and a model that reads them.

The data are the scans bundled with scikit-learn (8 x 8 pixels from 0 to 16, from the UCI optical
recognition set), loaded in batches; labels are learnt a day later. Some scans arrive upside down, are
predicted upon, and are corrected afterwards, pixel by pixel; the view and the service are defined anew and
the model is trained again: so only time travel gives back what an early prediction saw.

scikit-learn is needed to write the story, never to read it. Coefficients are rounded to four decimals, so
that training need not be the same to the last bit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import fsum
from pathlib import Path
from typing import Any, NamedTuple

from tests.replay.fixtures import EVENTS, EXPECTED, to_json
from vectordb import Bool, Category, Float, Int, ManualClock, Request, Vector, VectorDB
from vectordb.testing import state_of

SAMPLES = 700
BATCH = 100
TRAINED = 300
SEED = 64
START = datetime(2026, 2, 2, 8, tzinfo=UTC)
PIXELS = tuple(f"p{row}{column}" for row in range(8) for column in range(8))
INNER = tuple(f"p{row}{column}" for row in range(8) for column in range(1, 7))  # the outer columns are nearly empty
UPSIDE_DOWN = range(6, TRAINED, 25)
WITHDRAWN = (17, 250)


class Scans(NamedTuple):
    """Pixels and the digit of each scan."""

    pixels: list[list[int]]
    digits: list[int]


def load_scans() -> Scans:
    from sklearn.datasets import load_digits

    data = load_digits()
    return Scans(data.data[:SAMPLES].astype(int).tolist(), data.target[:SAMPLES].tolist())


def scan_id(number: int) -> str:
    return f"scan-{number:04}"


def scan_time(number: int) -> datetime:
    return START + timedelta(hours=number // BATCH, seconds=20 * (number % BATCH))


def upside_down(pixels: Sequence[int]) -> list[int]:
    return list(pixels[::-1])


def darkness(pixels: Sequence[int]) -> float:
    """The mean pixel: computed by whoever asks, so it comes with the request."""
    return fsum(pixels) / 1024


class Builder:
    """Writes the story step by step; every step is one day's work."""

    def __init__(self) -> None:
        self.scans = load_scans()
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, seed=SEED)
        self.at: list[int] = []

    def build(self) -> VectorDB:
        steps = (
            self.define, self.load_first, self.label_first, self.train_first, self.predict_first,
            self.correct, self.predict_again, self.redefine, self.load_rest, self.train_second,
            self.predict_second, self.compare_models, self.withdraw,
        )  # fmt: skip
        for step in steps:
            step()
            self.at.append(self.db.head)
        return self.db

    def define(self) -> None:
        shape = {name: Int(description=f"row {name[1]}, column {name[2]}, 0 to 16") for name in PIXELS}
        image = Vector(64, metric="euclidean", dtype="uint8", description="all pixels, for search")
        self.features = {**shape, "image": image, "split": Category(default="serve")}
        text = "8 x 8 scans of handwritten digits"
        self.db.create_view("scans", entity="scan", features=self.features, tags=["real"], description=text)
        labels = {"digit": Int(), "checked": Bool(default=False)}
        self.db.create_view("labels", entity="scan", features=labels, owner="annotators")

    def load_first(self) -> None:
        self.load(range(TRAINED), split="train")

    def load(self, numbers: range, split: str) -> None:
        for first in range(numbers.start, numbers.stop, BATCH):
            batch = range(first, first + BATCH)
            self.clock.set(max(scan_time(batch[-1]) + timedelta(minutes=5), self.db.at))
            pixels = [self.as_scanned(number) for number in batch]
            columns = dict(zip(PIXELS, map(list, zip(*pixels))))
            rows = {"scan": [scan_id(number) for number in batch], **columns, "image": pixels}
            rows["split"] = [split] * len(batch)
            times = [scan_time(number) for number in batch]
            self.db.view("scans").put_many(rows, event_time=times, actor="scanner-1", correlation=f"batch-{first}")

    def as_scanned(self, number: int) -> list[int]:
        pixels = self.scans.pixels[number]
        return upside_down(pixels) if number in UPSIDE_DOWN else pixels

    def label_first(self) -> None:
        self.clock.set(START + timedelta(days=1))
        self.label(range(TRAINED))

    def label(self, numbers: range) -> None:
        """Labels are learnt late: they are true since the scan. Every seventh was checked by a second reader."""
        ids, digits = map(scan_id, numbers), self.scans.digits
        rows = {"scan": list(ids), "digit": [digits[number] for number in numbers]}
        times = [scan_time(number) for number in numbers]
        self.db.view("labels").put_many(rows, event_time=times, actor="annotator-1")
        checked = {"scan": [scan_id(number) for number in numbers if number % 7 == 0]}
        checked["checked"] = [True] * len(checked["scan"])
        self.db.view("labels").put_many(checked, actor="annotator-2")

    def train_first(self) -> None:
        self.db.create_service("reader", features=[f"scans:{name}" for name in PIXELS], owner="ml")
        request = Request("darkness", Float())
        self.db.create_service("quick", features=[*(f"scans:{name}" for name in INNER), request])
        self.db.create_model("reader", "logistic", features=list(PIXELS), **logistic(self.scans, TRAINED, PIXELS))
        self.db.create_model("zero", "linear", features=[*INNER, "darkness"], **linear(self.scans, TRAINED))
        self.db.create_model("sorter", "tree", features=list(INNER), **tree(self.scans, TRAINED))
        self.db.mark("trained-1", actor="ml")

    def predict_first(self) -> None:
        """Some of the scans that are read here lie upside down."""
        self.clock.advance(timedelta(hours=1))
        rows = self.db.service("reader").get_many([scan_id(number) for number in range(60)])
        self.db.record_predictions(rows, model="reader", actor="nightly")
        for number in UPSIDE_DOWN:
            self.clock.advance(1)
            self.db.record_prediction(self.db.service("reader").get(scan_id(number)), model="reader")

    def correct(self) -> None:
        """The right pixels are as old as the scan; only those that differ are written."""
        self.clock.advance(timedelta(hours=1))
        for number in UPSIDE_DOWN:
            wrong, right = self.as_scanned(number), self.scans.pixels[number]
            changed = {name: now for name, was, now in zip(PIXELS, wrong, right) if was != now}
            source = self.db.view("scans").history(scan_id(number))[0].id
            self.db.view("scans").put(
                scan_id(number),
                {**changed, "image": right},
                event_time=scan_time(number),
                derived_from=source,
                transformation="turn@1",
            )
        self.db.mark("corrected")

    def predict_again(self) -> None:
        ids = [scan_id(number) for number in UPSIDE_DOWN]
        self.clock.advance(60)
        self.db.record_predictions(self.db.service("reader").get_many(ids), model="reader@1", idempotency_key="again")
        dark = [darkness(self.scans.pixels[number]) for number in range(60)]
        quick = self.db.service("quick").get_many([scan_id(n) for n in range(60)], request={"darkness": dark})
        self.db.record_predictions(quick[:40], model="zero")
        self.db.record_predictions(quick, model="sorter")

    def redefine(self) -> None:
        """The outer columns leave the view; a feature joins it."""
        kept = {name: kind for name, kind in self.features.items() if name in INNER or name in ("image", "split")}
        kept["scanner"] = Category(default="scanner-1")
        self.db.create_view("scans", entity="scan", features=kept, description="inner pixels", replace=True)
        features = [f"scans:{name}" for name in INNER]
        self.db.create_service("reader", features=features, owner="ml", replace=True)

    def load_rest(self) -> None:
        for first in range(TRAINED, SAMPLES, BATCH):
            batch = range(first, first + BATCH)
            self.clock.set(max(scan_time(batch[-1]) + timedelta(minutes=5), self.db.at))
            pixels = [self.scans.pixels[number] for number in batch]
            columns = {name: [row[PIXELS.index(name)] for row in pixels] for name in INNER}
            rows = {"scan": [scan_id(number) for number in batch], **columns, "image": pixels}
            rows["scanner"] = [f"scanner-{1 + number % 2}" for number in batch]
            self.db.view("scans").put_many(rows, event_time=[scan_time(n) for n in batch], actor="scanner-2")
        self.clock.advance(timedelta(days=1))
        self.label(range(TRAINED, SAMPLES))

    def train_second(self) -> None:
        parameters = logistic(self.scans, 2 * TRAINED, INNER)
        self.db.create_model("reader", "logistic", features=list(INNER), replace=True, **parameters)
        self.db.mark("trained-2", actor="ml")

    def predict_second(self) -> None:
        self.clock.advance(timedelta(hours=1))
        rows = self.db.service("reader").get_many([scan_id(number) for number in range(2 * TRAINED, SAMPLES)])
        self.db.record_predictions(rows, model="reader")
        for number in range(TRAINED, TRAINED + 40):
            self.clock.advance(1)
            self.db.record_prediction(self.db.service("reader").get(scan_id(number)), model="reader@2")

    def compare_models(self) -> None:
        """The old model on the old service, asked in the past."""
        past = self.db.as_of(mark="corrected")
        rows = past.service("reader").get_many([scan_id(number) for number in range(200, 240)])
        self.db.record_predictions(rows, model="reader@1", actor="comparison")

    def withdraw(self) -> None:
        for number in WITHDRAWN:
            self.db.view("scans").delete(scan_id(number), actor="privacy")
        self.db.view("labels").put(scan_id(3), {"checked": True}, event_time=START + timedelta(days=5))
        self.clock.advance(timedelta(hours=1))


def logistic(scans: Scans, count: int, names: Sequence[str]) -> dict[str, Any]:
    """Multinomial logistic regression; its features are pixels as they are."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=0.01, max_iter=2000).fit(*training(scans, count, names))
    return {"coefficients": rounded(fitted.coef_.tolist()), "intercept": rounded(fitted.intercept_.tolist())}


def linear(scans: Scans, count: int) -> dict[str, Any]:
    """How much a scan looks like a zero, by least squares with a penalty."""
    from sklearn.linear_model import Ridge

    pixels, digits = training(scans, count, INNER)
    rows = [[*row, darkness(whole)] for row, whole in zip(pixels, scans.pixels)]
    fitted = Ridge(alpha=10.0).fit(rows, [float(digit == 0) for digit in digits])
    return {"coefficients": rounded(fitted.coef_.tolist()), "intercept": round(float(fitted.intercept_), 4)}


def tree(scans: Scans, count: int) -> dict[str, Any]:
    """A small decision tree; each leaf gives its most frequent digit."""
    from sklearn.tree import DecisionTreeClassifier

    found = DecisionTreeClassifier(max_depth=5, random_state=0).fit(*training(scans, count, INNER)).tree_
    inner = [place >= 0 for place in found.feature.tolist()]
    return {
        "feature": [max(place, 0) for place in found.feature.tolist()],
        "threshold": [value if split else 0.0 for value, split in zip(found.threshold.tolist(), inner)],
        "left": found.children_left.tolist(),
        "right": found.children_right.tolist(),
        "value": found.value[:, 0].argmax(axis=1).tolist(),
    }


def training(scans: Scans, count: int, names: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    places = [PIXELS.index(name) for name in names]
    return [[row[place] for place in places] for row in scans.pixels[:count]], scans.digits[:count]


def rounded(value: Any) -> Any:
    return [rounded(item) for item in value] if isinstance(value, list) else round(value, 4)


def summary(db: VectorDB, offsets: Sequence[int]) -> dict[str, Any]:
    """What the story must show, small: counts, and hashes of whole states (floats as hex within)."""
    states = {str(offset): digest_of(state_of(db.as_of(offset))) for offset in sorted({*offsets, db.head})}
    outputs = [[prediction.id, prediction.output] for prediction in db.predictions()]
    return {
        "digest": db.digest(),
        "head": db.head,
        "events": dict(sorted(Counter(event.type for event in db.events()).items())),
        "found": {name: len(db.view(name)) for name in db.views()},
        "predictions": len(outputs),
        "states_sha256": states,
        "outputs_sha256": digest_of(outputs),
    }


def digest_of(data: Any) -> str:
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def write_digits(folder: Path) -> int:
    """Write the story; its number of events."""
    builder = Builder()
    db = builder.build()
    folder.mkdir(parents=True, exist_ok=True)
    db.snapshot(folder / EVENTS)
    chosen = builder.at[1::3]
    (folder / EXPECTED).write_text(to_json(summary(db, chosen)), "utf-8", newline="\n")
    return db.head
