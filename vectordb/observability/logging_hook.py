"""A hook that writes to a logger of the standard library."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from vectordb.observability.names import COLLECTION, ERROR, FLAG, VARIANT


class LoggingHook:
    """One record for each operation: ``view.get drivers 0.000012 s``, failed ones with the kind of the error.

    Successful calls are logged at ``level``, failed ones at ``error_level``, and those that took at least ``slow_s``
    seconds at ``slow_level``. The attributes stand in the record as ``record.vectordb``, with ``duration`` in seconds,
    for a formatter that writes JSON. An error's text is not logged: it may carry values.
    """

    def __init__(
        self,
        logger: logging.Logger,
        *,
        level: int = logging.DEBUG,
        error_level: int = logging.WARNING,
        slow_s: float | None = None,
        slow_level: int = logging.WARNING,
    ) -> None:
        self._logger = logger
        self._level = level
        self._error_level = error_level
        self._slow_s = slow_s
        self._slow_level = slow_level

    def __call__(
        self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None
    ) -> None:
        level = self._level
        if self._slow_s is not None and duration >= self._slow_s:
            level = max(level, self._slow_level)
        if error is not None:
            level = max(level, self._error_level)
        if not self._logger.isEnabledFor(level):
            return
        parts = [operation, *(attributes[name] for name in (COLLECTION, FLAG, VARIANT) if name in attributes)]
        failed = f" failed: {attributes[ERROR]}" if error is not None else ""
        extra = {"vectordb": {**attributes, "duration": duration}}
        self._logger.log(level, "%s %.6f s%s", " ".join(parts), duration, failed, extra=extra)
