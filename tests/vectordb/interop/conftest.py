"""Which structs are tested: our own, or those that pyarrow and NumPy make of the same memory."""

from __future__ import annotations

import pytest


@pytest.fixture
def own_structs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has loaded neither."""
    for name in ("loaded_numpy", "loaded_pyarrow"):
        monkeypatch.setattr(f"vectordb.interop.c_data.capsules.{name}", lambda: None)
