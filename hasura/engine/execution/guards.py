"""Refuses valid operations: the allow-list, and limits on depth, nodes, rate, time, batches.

Allow-list, depth and nodes depend on the document alone and are looked at once, when it is prepared; rate and time
at each request, the size of a batch when it comes in. Limits are the metadata's `api_limits`, global or by role; the
admin role has none.
"""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from graphql.language.visitor import REMOVE, VisitorAction

from hasura.engine.errors import EngineError, Unexpected, ValidationFailed, refuse_endless_nesting
from hasura.engine.execution.generations import GenerationalCache
from hasura.engine.ir.documents.document import MAX_DOCUMENT_TOKENS
from hasura.engine.metadata.types import API_LIMITS
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import ADMIN_ROLE, Session

_MAX_DEPTH_OF_FRAGMENTS = 200
# Sizes of the caches of documents that were sent, and of saved queries.
_MAX_EXAMINED = 4000
_MAX_NORMALIZED = 20_000


class _Examined(NamedTuple):
    """Holds what the guards look at in a document: parsed once, not again at each change of metadata."""

    normalized: str
    depth: int
    nodes: int


class OperationGuards:
    """Refuses operations for one engine process; counts requests for the rate limit."""

    def __init__(self, *, enable_allowlist: bool) -> None:
        self._enable_allowlist = enable_allowlist
        self._recent: dict[tuple[object, ...], deque[float]] = {}
        self._examined: GenerationalCache[str, _Examined] = GenerationalCache(_MAX_EXAMINED)

    @refuse_endless_nesting
    def check_document(self, cache: SchemaCache, document: str, session: Session) -> None:
        """Raises EngineError when the role may not send this document at all."""
        if session.role == ADMIN_ROLE:
            return
        _refuse_unreadable_limits(cache)
        depth, nodes = _limit(cache, "depth_limit", session), _limit(cache, "node_limit", session)
        if not self._enable_allowlist and depth is None and nodes is None:
            return
        examined = self._examine(document)
        if examined is None:
            return  # refused with its own message when it is prepared
        if self._enable_allowlist and examined.normalized not in _allowed(cache, session.role):
            raise ValidationFailed("query is not allowed")
        if depth is not None and examined.depth > depth:
            raise ValidationFailed(f"query exceeds the depth limit: its depth is {examined.depth}, the limit {depth}")
        if nodes is not None and examined.nodes > nodes:
            raise ValidationFailed(
                f"query exceeds the node limit: it has {examined.nodes} nodes, the limit is {nodes}"
            )

    def _examine(self, document: str) -> _Examined | None:
        examined = self._examined.get(document)
        if examined is None:
            try:
                parsed = parse(document, no_location=True, max_tokens=MAX_DOCUMENT_TOKENS)
            except GraphQLError:
                return None
            examined = _Examined(_normalized(parsed), *_measure(parsed))
            self._examined.put(document, examined)
        return examined

    def check_batch(self, cache: SchemaCache, size: int, session: Session) -> None:
        """Raises EngineError when the role may not send so many operations in one request."""
        limit = _limit(cache, "batch_limit", session)
        if limit is not None and size > limit:
            raise ValidationFailed(f"batch exceeds the limit: it has {size} operations, the limit is {limit}")

    def check_rate(self, cache: SchemaCache, session: Session) -> None:
        """Counts a request. Raises EngineError beyond `max_reqs_per_min`."""
        limit = _limit(cache, "rate_limit", session)
        if not isinstance(limit, Mapping):
            return
        max_requests = int(limit.get("max_reqs_per_min", 0))
        unique = limit.get("unique_params")
        names = unique if isinstance(unique, list) else ()
        key = (session.role, *(session.variables.get(str(name).lower()) for name in names))
        recent = self._recent.setdefault(key, deque())
        now = time.monotonic()
        while recent and recent[0] <= now - 60:
            recent.popleft()
        if len(recent) >= max_requests:
            raise EngineError(
                f"rate limit exceeded: {max_requests} requests a minute", code="rate-limit-exceeded", status=429
            )
        recent.append(now)

    def seconds(self, cache: SchemaCache, session: Session) -> float | None:
        """Returns how long an operation of this role may take."""
        limit = _limit(cache, "time_limit", session)
        return float(limit) if limit is not None else None


def _refuse_unreadable_limits(cache: SchemaCache) -> None:
    """Raises Unexpected when metadata has a limit that cannot be read: what it would refuse is not known."""
    if cache.unreadable_limits:
        named = ", ".join(sorted(cache.unreadable_limits - {API_LIMITS}))
        raise Unexpected(
            f"{API_LIMITS} in metadata{f' ({named})' if named else ''} cannot be read: until it is repaired"
            " (set_api_limits, replace_metadata), only requests of the admin role are served"
        )


def _limit(cache: SchemaCache, name: str, session: Session) -> Any:
    limits = cache.api_limits
    if not limits or limits.get("disabled") or session.role == ADMIN_ROLE:
        return None
    limit = limits.get(name)
    if not isinstance(limit, Mapping):
        return None
    per_role = limit.get("per_role")
    if isinstance(per_role, Mapping) and session.role in per_role:
        return per_role[session.role]
    return limit.get("global")


class _WithoutTypename(Visitor):
    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        # Clients add `__typename` to what the developer wrote.
        return REMOVE if node.name.value == "__typename" else None


def _normalized(document: DocumentNode) -> str:
    return print_ast(visit(document, _WithoutTypename()))


def _allowed(cache: SchemaCache, role: str) -> frozenset[str]:
    key = ("allowlist", role)
    allowed = cache.memo.get(key)
    if allowed is None:
        allowed = cache.memo[key] = frozenset(_allowed_documents(cache, role))
    assert isinstance(allowed, frozenset)
    return allowed


def _allowed_documents(cache: SchemaCache, role: str) -> Iterator[str]:
    for entry in cache.allowlist.values():
        collection = cache.query_collections.get(entry.collection)
        if collection is not None and (entry.roles is None or role in entry.roles):
            for query in collection.queries.values():
                normalized = _normalized_query(query)
                if normalized is not None:
                    yield normalized


@lru_cache(maxsize=_MAX_NORMALIZED)
def _normalized_query(query: str) -> str | None:
    """Returns a saved query in normal form. One that is no GraphQL allows nothing."""
    try:
        return _normalized(parse(query, no_location=True))
    except GraphQLError:
        return None


def _measure(document: DocumentNode) -> tuple[int, int]:
    """Returns depth and number of fields of the operations, fragments counted where they are spread."""
    fragments = {
        node.name.value: node.selection_set
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    measured: dict[str, tuple[int, int]] = {}

    def fragment(name: str, level: int) -> tuple[int, int]:
        if name not in measured and name in fragments and level < _MAX_DEPTH_OF_FRAGMENTS:
            measured[name] = measure(fragments[name], level + 1)
        return measured.get(name, (0, 0))

    def measure(selection_set: SelectionSetNode | None, level: int) -> tuple[int, int]:
        depth = nodes = 0
        for selection in selection_set.selections if selection_set is not None else ():
            match selection:
                case FieldNode():
                    inner_depth, inner_nodes = measure(selection.selection_set, level + 1)
                    inner_depth, inner_nodes = inner_depth + 1, inner_nodes + 1
                case FragmentSpreadNode():
                    inner_depth, inner_nodes = fragment(selection.name.value, level)
                case InlineFragmentNode():
                    inner_depth, inner_nodes = measure(selection.selection_set, level + 1)
                case _:
                    continue
            depth, nodes = max(depth, inner_depth), nodes + inner_nodes
        return depth, nodes

    sizes = [
        measure(node.selection_set, 0) for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    return max((depth for depth, _ in sizes), default=0), sum(nodes for _, nodes in sizes)
