"""Runs the demonstration: an installation, the sample shop beside it, the sample app set up and run."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from rich.console import Console

from platform_api.accounts.set_up.default_owner import DEFAULT_EMAIL
from platform_api.demo.run import Stopwatch, run_action, show_result, show_where_to_look
from platform_api.demo.sample_app import Platform, set_up
from platform_api.supervisor.health import wait_serving
from platform_api.supervisor.listener import ListenError, base_url, listen, reachable_address
from platform_api.supervisor.processes.children import Child, spawn
from platform_api.supervisor.supervisor import Options, run_installation

_DEFAULT_PORT = 8080


async def demonstrate(*, host: str, port: int | None, data_dir: Path, exit_when_done: bool) -> None:
    """Runs the demonstration; continues to serve until a stop signal unless `exit_when_done`."""
    console = Console()
    watch = Stopwatch()
    console.print("starting PostgreSQL, the control plane and a runner …")
    with listen("127.0.0.1", 0) as shop_socket:
        shop_url = base_url(*reachable_address(shop_socket))

        async def run_demonstration(url: str) -> None:
            console.print(f"automio ready {url}  ({watch.seconds:.1f} s)", highlight=False)
            admin = json.loads((data_dir / "admin.json").read_text())
            headers = {"Authorization": f"Bearer {admin['token']}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
                platform = Platform(client)
                app = await set_up(platform, shop_url=shop_url)
                console.print(f"app `orders` (id {app.app_id}) is set up; its script imports from {shop_url}")
                result = await run_action(platform, client, app, console)
            show_result(console, result)
            show_where_to_look(console, url=url, data_dir=str(data_dir), app=app)
            console.print(f"\ndone in {watch.seconds:.1f} s")
            if not exit_when_done:
                console.print("still serving; stop with Ctrl-C")
                await asyncio.Event().wait()

        await run_installation(
            Options(
                host=host,
                port=choose_port(host) if port is None else port,
                data_dir=data_dir,
                owner=DEFAULT_EMAIL,
            ),
            # The sample shop is on loopback, where integrations may not call otherwise.
            environment={"LOG_LEVEL": "WARNING", **os.environ, "ALLOW_PRIVATE_UPSTREAMS": "true"},
            while_serving=run_demonstration,
            companions=[_shop_child(shop_socket, data_dir)],
        )


def choose_port(host: str, *, default: int = _DEFAULT_PORT) -> int:
    """Returns the default port, or 0 (a free one) when another program uses it."""
    try:
        listen(host, default, timeout=0).close()
    except ListenError:
        return 0
    return default


def _shop_child(listening: socket.socket, data_dir: Path) -> Child:
    descriptor = listening.fileno()

    async def start() -> subprocess.Popen[bytes]:
        return spawn(
            [sys.executable, "-P", "-m", "platform_api.demo.sample_shop", "--fd", str(descriptor)],
            environment={"PATH": os.environ.get("PATH", "")},
            working_directory=data_dir,
            inherited_fds=[descriptor],
        )

    host, port = reachable_address(listening)
    return Child(
        "sample-shop",
        start,
        lambda: wait_serving(host, port, "/v1/orders"),
        stop_signal=signal.SIGTERM,
        stop_seconds=5,
    )
