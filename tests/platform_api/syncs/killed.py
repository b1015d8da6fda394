"""A control plane without a socket, as a process of its own that a test may kill: `python -m … URL SECRET_KEYS`."""

import asyncio
import sys
import tempfile

from platform_api.app import create_app
from platform_api.core.settings import Settings


async def _work(database_url: str, secret_keys: str) -> None:
    values = {"database_url": database_url, "secret_keys": secret_keys, "files_dir": tempfile.mkdtemp(prefix="amf-")}
    app = create_app(Settings(**values, public_url="http://platform.test", allow_private_upstreams=True))
    async with app.api.router.lifespan_context(app.api):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_work(*sys.argv[1:]))
