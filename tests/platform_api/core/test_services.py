"""The typed registry of an application's parts."""

from dataclasses import dataclass

import pytest

from platform_api.core.services import ServiceMissing, ServiceProvidedTwice, Services


@dataclass(frozen=True)
class Lamp:
    watts: int


class Bright(Lamp):
    pass


def test_a_part_is_found_under_its_own_class() -> None:
    services = Services()
    lamp = services.provide(Lamp(40))
    assert services[Lamp] is lamp
    assert services.find(Lamp) is lamp


def test_a_part_that_nothing_provides_is_named() -> None:
    services = Services()
    services.provide(Bright(60))
    with pytest.raises(ServiceMissing, match="Lamp"):
        services[Lamp]
    assert services.find(Lamp) is None


def test_a_class_has_one_part() -> None:
    services = Services()
    first = services.provide(Lamp(40))
    with pytest.raises(ServiceProvidedTwice, match="Lamp"):
        services.provide(Lamp(60))
    assert services[Lamp] is first
