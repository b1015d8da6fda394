"""Defines the command `automio mock-shop`."""

import click


@click.command("mock-shop")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8090, show_default=True, help="0 takes a free port.")
@click.option("--token-seconds", default=60, show_default=True, help="Lifetime of an access token.")
@click.option("--rate", default=200, show_default=True, help="Requests per second and seller before 429.")
def mock_shop(host: str, port: int, token_seconds: int, rate: int) -> None:
    """Serve a small marketplace to build integrations against: OAuth, orders, offers, events, faults on request."""
    import uvicorn  # local: the bare client does not install it

    from platform_api.mock_shop.app import create_app, create_shop

    app = create_app(create_shop(access_token_seconds=token_seconds, requests_per_second=rate))
    uvicorn.run(app, host=host, port=port, log_level="info")
