"""Dockerfile, compose file and systemd unit are checked by the tools that know them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = BIN / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint has no wheel for this machine")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""


@pytest.mark.slow
def test_the_compose_file_follows_the_compose_specification() -> None:
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_has_a_health_check_and_limits(compose: dict[str, Any]) -> None:
    image_brings_its_own = {"platform"}
    assert set(compose["services"]) == {"postgres", "hasura", "redis", "platform", "runner"}
    for name, service in compose["services"].items():
        assert "healthcheck" in service or name in image_brings_its_own, name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_the_runner_reaches_no_database_and_knows_no_secret_but_its_token(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert not set(services["runner"]["networks"]) & set(services["postgres"]["networks"])
    assert not set(services["runner"]["networks"]) & set(services["redis"]["networks"])
    assert set(services["runner"]["environment"]) == {"RUNNER_TOKEN", "SANDBOX_ISOLATION"}


def test_only_the_runner_is_given_the_permissions_a_jail_needs(compose: dict[str, Any]) -> None:
    unconfined = {name for name, service in compose["services"].items() if "seccomp:unconfined" in str(service)}
    assert unconfined == {"runner"}
    assert compose["services"]["runner"]["cap_drop"] == ["ALL"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "deploy" / "automio.service").read_text()
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    # It also checks that the program is there, which on this machine it is not.
    (tmp_path / "automio.service").write_text(unit.replace(command, "ExecStart=/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "automio.service"], capture_output=True, text=True
    )
    complaints = [line for line in done.stderr.splitlines() if "automio.service" in line]
    assert (done.returncode, complaints) == (0, [])


def test_the_unit_leaves_out_what_would_forbid_jails() -> None:
    lines = (ROOT / "deploy" / "automio.service").read_text().splitlines()
    settings = {line.split("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    assert "NoNewPrivileges" in settings
    assert not settings & {"RestrictNamespaces", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc"}
