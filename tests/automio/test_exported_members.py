"""What the package offers, and that it is typed and light."""

import inspect
import subprocess
import sys
from pathlib import Path

import automio
from automio import _csv_models, _exceptions, _file_models, _integration_models, _models, _sync_models
from automio.wrapper import API, AsyncAPI


def test_all_is_sorted_and_every_name_of_it_exists() -> None:
    assert automio.__all__ == sorted(automio.__all__, key=str)
    for name in automio.__all__:
        assert getattr(automio, name) is not None
        assert name in dir(automio)


def test_every_public_class_is_exported() -> None:
    for module in (_exceptions, _models, _integration_models, _file_models, _csv_models, _sync_models):
        defined = {
            name
            for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
        }
        assert defined <= set(automio.__all__), module


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(automio, "NoSuchName")


def test_it_is_typed() -> None:
    assert (Path(automio.__file__).parent / "py.typed").exists()


def test_importing_the_package_alone_loads_nothing_else() -> None:
    script = "import sys; old = {*sys.modules}; import automio; print(*sorted({*sys.modules} - old))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert not {"httpx", "tenacity", "gql", "automio._client"} & set(done.stdout.split())


def test_both_clients_offer_the_same() -> None:
    settings = {"base_url": "http://platform.test", "token": "t", "app_id": 1}
    blocking, awaiting = API(**settings), AsyncAPI(**settings)  # type: ignore[arg-type]
    renamed = {"close": "aclose"}
    assert {renamed.get(name, name) for name in _public(blocking)} == _public(awaiting)
    caches = ("app_cache", "user_cache", "org_cache")
    for name in ("tables", "integrations", "plugins", "actions", "csv", "files", "runtime", "task", *caches):
        first, second = getattr(blocking, name), getattr(awaiting, name)
        assert _public(first) == _public(second)
        for method in _public(first):
            assert list(inspect.signature(getattr(first, method)).parameters) == list(
                inspect.signature(getattr(second, method)).parameters
            )
            assert inspect.getdoc(getattr(first, method)), f"{name}.{method} says what it does"
    blocking.close()


def _public(value: object) -> set[str]:
    return {name for name in dir(value) if not name.startswith("_")}
