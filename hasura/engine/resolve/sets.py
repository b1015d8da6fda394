"""Gathers changes of a persistent map of sets, so that a large set is copied once however much of it changes."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Generic, TypeVar

from immutables import Map

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class SetChanges(Generic[K, V]):
    """Collects members to take out of and put into the sets; what is put in stays when it is also taken out."""

    def __init__(self) -> None:
        self._removed: defaultdict[K, set[V]] = defaultdict(set)
        self._added: defaultdict[K, set[V]] = defaultdict(set)

    def remove(self, key: K, member: V) -> None:
        self._removed[key].add(member)

    def add(self, key: K, member: V) -> None:
        self._added[key].add(member)

    def applied(self, sets: "Map[K, frozenset[V]]") -> "Map[K, frozenset[V]]":
        """Returns the map with the changes; a key without members is not in it."""
        nothing: frozenset[V] = frozenset()
        changed = sets.mutate()
        for key in {*self._removed, *self._added}:
            members = (changed.get(key, nothing) - self._removed.get(key, nothing)) | self._added.get(key, nothing)
            if members:
                changed[key] = members
            elif key in changed:
                del changed[key]
        return changed.finish()
