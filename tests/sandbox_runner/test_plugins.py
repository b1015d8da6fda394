"""Plugin modules of a bundle, inside the jail."""

from tests.sandbox_runner.conftest import LiveRunner

MODULES = {
    ".plugins/interfaces/orders.py": "def fetch(connection_ids):\n    return ['default', *connection_ids]\n",
    ".plugins/orders_my-shop.py": "from plugins.interfaces.orders import *\ndef fail(connection_ids):\n    1 / 0\n",
}


def test_plugins_are_invoked_from_a_script(live: LiveRunner) -> None:
    script = "from automio import API\nresult = API().plugins.invoke('orders.fetch', 'my-shop', connection_ids=[7])\n"
    ended = live.execute({**MODULES, "main.py": script})
    assert (ended.status, ended.result) == ("completed", ["default", 7]), ended


def test_plugins_are_invoked_from_an_async_script(live: LiveRunner) -> None:
    script = (
        "from automio import AsyncAPI\n"
        "async def run():\n"
        "    async with AsyncAPI() as api:\n"
        "        return await api.plugins.invoke('orders.fetch', 'my-shop', connection_ids=[7])\n"
    )
    ended = live.execute({**MODULES, "main.py": script}, entry="main.py:run")
    assert (ended.status, ended.result) == ("completed", ["default", 7]), ended


def test_an_error_names_the_plugins_file_and_line(live: LiveRunner) -> None:
    script = "from automio import API\nAPI().plugins.invoke('orders.fail', 'my-shop')\n"
    ended = live.execute({**MODULES, "main.py": script})
    assert (ended.status, ended.cause) == ("failed", "exception")
    assert "orders_my-shop.py" in ended.error
    assert "line 3" in ended.error
    assert "ZeroDivisionError" in ended.error
