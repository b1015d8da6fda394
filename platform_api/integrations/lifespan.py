"""What integrations need as long as the application lives: the caller's connections, the vault."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request

from platform_api.core.crypto import Vault
from platform_api.core.database import Database
from platform_api.core.listener import listener_of
from platform_api.core.settings import Settings
from platform_api.core.upstreams import AllowedUpstreams
from platform_api.graphql.sessions import CHANNEL as ACCESS_CHANNEL
from platform_api.integrations.calls.admission import Admission
from platform_api.integrations.calls.gateway import Gateway
from platform_api.integrations.calls.log import CallLog
from platform_api.integrations.calls.targets import CHANNEL as CONNECTIONS_CHANNEL
from platform_api.integrations.calls.targets import CallTargets
from platform_api.integrations.oauth.flow import OAuthFlow
from platform_api.integrations.oauth.tokens import TokenKeeper
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.outgoing.guarded_connector import MOST_CONNECTIONS

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def integrations_lifespan(api: FastAPI) -> AsyncIterator[None]:
    """`state.gateway` makes the calls by `state.caller`, `state.vault` seals credentials."""
    settings: Settings = api.state.settings
    vault = api.state.vault = Vault(settings.secret_keys)
    allowed = AllowedUpstreams.from_entries(settings.allowed_private_upstreams)
    async with Caller(allow_private=settings.allow_private_upstreams, allowed=allowed) as caller:
        api.state.caller = caller
        tokens = TokenKeeper(api.state.database, caller, vault, sends_mail=settings.smtp_url is not None)
        call_log = api.state.call_log = CallLog(api.state.database, kept_days=settings.integration_call_log_days)
        writing = asyncio.create_task(call_log.write_for_ever())
        admission = Admission(
            api.state.shared_rates,
            most_per_organization=settings.integration_calls_in_flight,
            most_together=MOST_CONNECTIONS,
        )
        gateway = api.state.gateway = Gateway(caller, vault, tokens, call_log, admission)
        targets = api.state.call_targets = CallTargets(api.state.database, gateway)
        api.state.after_changes.append(targets.forget)
        listener_of(api).subscribe(ACCESS_CHANNEL, targets.forget)
        listener_of(api).subscribe(CONNECTIONS_CHANNEL, targets.forget)
        api.state.oauth_flow = OAuthFlow(api.state.database, caller, vault, public_url=settings.public_url)
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await tokens.close()
            await _write_the_rest(call_log)


async def _write_the_rest(call_log: CallLog) -> None:
    try:
        await call_log.write()
    except Exception as error:  # the database is away: the platform must be able to stop all the same
        log.error("integrations.call_log_lost", exc_info=error)


def _call_log(request: Request) -> CallLog:
    call_log: CallLog = request.app.state.call_log
    return call_log


def _caller(request: Request) -> Caller:
    caller: Caller = request.app.state.caller
    return caller


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _oauth_flow(request: Request) -> OAuthFlow:
    flow: OAuthFlow = request.app.state.oauth_flow
    return flow


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def _call_targets(request: Request) -> CallTargets:
    targets: CallTargets = request.app.state.call_targets
    return targets


CallerDep = Annotated[Caller, Depends(_caller)]
CallLogDep = Annotated[CallLog, Depends(_call_log)]
CallTargetsDep = Annotated[CallTargets, Depends(_call_targets)]
DatabaseDep = Annotated[Database, Depends(_database)]
"""For what opens transactions of its own: a slow upstream must not hold a connection to the database."""
GatewayDep = Annotated[Gateway, Depends(_gateway)]
OAuthFlowDep = Annotated[OAuthFlow, Depends(_oauth_flow)]
VaultDep = Annotated[Vault, Depends(_vault)]
