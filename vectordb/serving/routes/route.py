"""A route: which path is answered by what, and how a path finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from vectordb.serving.http.refusal import BadRequest

if TYPE_CHECKING:
    from vectordb.serving.http.response import Response
    from vectordb.serving.routes.call import Call

AS_OF: Final = frozenset({"as_of", "as_of_time", "as_of_mark", "as_of_prediction"})
READ: Final = AS_OF | {"at"}
NOTHING: Final[frozenset[str]] = frozenset()
Answer: TypeAlias = "Callable[[Call], Response]"


class Route(NamedTuple):
    """A method and a pattern: ``{name}`` is one segment, ``{name...}`` the rest of the path, slashes included."""

    method: str
    pattern: str
    does: str  # in a few words
    answer: Answer
    query: frozenset[str] = NOTHING  # the parameters that it knows
    write: str = ""  # the kind of write that it is
    style: str = ""  # whose form its errors have: feast, inference, or ours
    open: bool = False  # answered without asking ``authorize``
    slow: bool = False  # may take long: a search, a disk, a replay

    def to_dict(self) -> dict[str, Any]:
        """What a caller has to know, as plain data; ``write`` is the kind that ``writes`` has to allow."""
        told = {"method": self.method, "path": self.pattern, "does": self.does}
        return {**told, "query": sorted(self.query), "write": self.write or None}


class Found(NamedTuple):
    """A route, and the parts of the path that it names."""

    route: Route
    names: dict[str, str]


class Router:
    """Finds routes: of several that a path matches, the one that was listed first.

    >>> router = Router([Route("GET", "/views/{view}", "", print), Route("GET", "/views/{view}/{id...}", "", print)])
    >>> router.find("GET", "/views/drivers/d-7").names
    {'view': 'drivers', 'id': 'd-7'}
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], Route]]] = {}
        for route in routes:
            parts = tuple(route.pattern[1:].split("/"))
            self._by_first.setdefault(parts[0], []).append((parts, route))

    def find(self, method: str, path: str) -> Found:
        """The route of a method and a decoded path; 404 where there is no such path, 405 for another method."""
        segments = path[1:].split("/")
        allowed: dict[str, None] = {}
        for parts, route in self._by_first.get(segments[0], ()):
            names = _match(parts, segments)
            if names is None:
                continue
            if route.method == ("GET" if method == "HEAD" else method):
                return Found(route, names)
            allowed[route.method] = None
        if allowed:
            known = ", ".join([*allowed, *(["HEAD"] if "GET" in allowed else [])])
            raise BadRequest("the path has other methods", status=405, headers={"allow": known}, methods=known)
        raise BadRequest("no such path: GET / lists them", status=404)

    def style(self, path: str) -> str:
        """Whose form errors of a path have, whether or not it is a route."""
        first = path[1:].partition("/")[0]
        known = self._by_first.get(first)
        return known[0][1].style if known else ""


def _match(parts: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    tail = parts[-1].endswith("...}")
    if len(segments) < len(parts) or (len(segments) > len(parts) and not tail):
        return None
    names: dict[str, Any] = {}
    for part, segment in zip(parts, segments):
        if not part.startswith("{"):
            if part != segment:
                return None
        elif not segment:
            return None
        else:
            names[part.strip("{}.")] = segment
    if tail:
        names[parts[-1].strip("{}.")] = "/".join(segments[len(parts) - 1 :])
    return names
