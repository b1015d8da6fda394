"""The client that a running platform serves: pip installs it into an environment of its own, and it works there."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, version
from pathlib import Path

import pytest

from platform_api.supervisor.testing import Installation
from sandbox_runner.jails.content import client_closure
from tests.memory import quick_directory

_SCRIPT = """
import automio, importlib.util, redis, sys
from automio.wrapper import API

assert automio.__file__.startswith(sys.prefix), automio.__file__
assert importlib.util.find_spec("platform_api") is None and importlib.util.find_spec("plugins") is not None
with API() as api:
    insert = "mutation { insert_app_1_orders(objects: [{number: \\"żółw\\"}]) { affected_rows } }"
    print(api.tables.graphql("orders", insert).data)
    print(api.tables.graphql("orders", "{ app_1_orders { number } }").data)
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with (
        tempfile.TemporaryDirectory(prefix="amw-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data") as running,
    ):
        with running.client() as client:
            assert client.post("/api/apps/", json={"name": "Orders"}).status_code == 201
            table = {"name": "orders", "columns": [{"name": "number", "type": "text"}]}
            client.post("/api/apps/1/new_table/", json=table).raise_for_status()
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with what the client needs, as the package index would give it, and nothing else."""
    directory = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    site = next(directory.glob("lib/python*/site-packages"))
    for item in (*client_closure().values(), distribution("redis")):
        _copy(item, site)
    return directory


def test_the_served_client_is_installed_by_its_line_and_makes_real_calls(
    installation: Installation, environment: Path, tmp_path: Path
) -> None:
    with installation.client() as client:
        line = client.get("/client/requirements.txt").text.strip()
    assert line.startswith(f"automio-platform[redis] @ {installation.url}/client/automio_platform-")
    assert "Successfully installed automio-platform" in _pip(environment, "install", line)
    assert _pip(environment, "check") == "No broken requirements found.\n"

    folder = tmp_path / "scripts"
    folder.mkdir()
    automio = environment / "bin" / "automio"
    version_line = _run(automio, "--version", folder=folder)
    assert version_line == f"automio, version {version('automio-platform')}\n"
    token = installation.admin["token"]
    init = _run(automio, "init", "--app", "orders", "--server", installation.url, "--token", token, folder=folder)
    assert f"pip install -r {installation.url}/client/requirements.txt" in init
    assert "FAIL" not in _run(automio, "whoami", folder=folder)
    rows = _run(environment / "bin" / "python", "-c", _SCRIPT, folder=folder)
    assert rows.splitlines() == [
        "{'insert_app_1_orders': {'affected_rows': 1}}",
        "{'app_1_orders': [{'number': 'żółw'}]}",
    ]

    # The commands of the platform are known here, too, and say in one sentence what they lack.
    up = subprocess.run([automio, "up"], cwd=folder, capture_output=True, text=True, check=False)
    assert up.returncode == 1 and "Traceback" not in up.stderr
    assert "`automio up` belongs to the platform, which is not installed here" in up.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("install", "--requirement", "{url}/client/requirements.txt"),
        ("install", "automio-platform[redis]", "--index-url", "{url}/client/simple/"),
        ("install", "{url}/client/"),
    ],
    ids=["requirements", "index", "address"],
)
def test_the_other_ways_lead_to_the_same_client(
    installation: Installation, environment: Path, arguments: tuple[str, ...]
) -> None:
    filled = [text.replace("{url}", installation.url) for text in arguments]
    if filled[1].endswith("/client/"):
        with installation.client() as client:
            filled[1] = client.get("/client/requirements.txt").text.partition(" @ ")[2].strip()
    _pip(environment, *filled)
    assert _run(environment / "bin" / "automio", "--version", folder=environment).startswith("automio, version ")
    _pip(environment, "uninstall", "--yes", "automio-platform")
    assert not (environment / "bin" / "automio").exists()
    assert not list(environment.glob("lib/python*/site-packages/automio*"))


def _pip(environment: Path, command: str, *arguments: str) -> str:
    """Runs pip on the environment, without the package index."""
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", str(environment / "bin" / "python")]
    options = [] if command != "install" else ["--no-cache-dir"]
    if command == "install" and "--index-url" not in arguments:
        options.append("--no-index")
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", command, *options, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(program: Path, *arguments: str, folder: Path) -> str:
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _copy(item: Distribution, site: Path) -> None:
    for entry in item.files or ():
        if ".." in entry.parts or entry.suffix == ".pyc":
            continue
        source, target = Path(str(item.locate_file(entry))), site.joinpath(*entry.parts)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
