"""Provides what integrations need while the application runs: the caller's connections, the vault."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from fastapi import Depends

from platform_api.core.crypto import Vault
from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.remembered import AfterChanges
from platform_api.core.services import Services, provided
from platform_api.core.settings import Settings
from platform_api.core.upstreams import AllowedUpstreams
from platform_api.core.watchers import ACCESS_CHANNEL
from platform_api.idempotency.lifespan import HeldKeys
from platform_api.integrations.calls.admission import Admission
from platform_api.integrations.calls.gateway import Gateway
from platform_api.integrations.calls.log import CallLog
from platform_api.integrations.calls.targets import CHANNEL as CONNECTIONS_CHANNEL
from platform_api.integrations.calls.targets import CallTargets
from platform_api.integrations.invocations.sending import Invocations
from platform_api.integrations.oauth.flow import OAuthFlow
from platform_api.integrations.oauth.tokens import TokenKeeper
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.outgoing.guarded_connector import MAX_CONNECTIONS
from platform_api.limits.rates import SharedRates

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def integrations_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides Gateway, which makes the calls by Caller, Invocations, CallLog, CallTargets, OAuthFlow, and Vault."""
    settings, database = services[Settings], services[Database]
    vault = services.provide(Vault(settings.secret_keys))
    allowed = AllowedUpstreams.from_entries(settings.allowed_private_upstreams)
    async with Caller(allow_private=settings.allow_private_upstreams, allowed=allowed) as caller:
        services.provide(caller)
        tokens = TokenKeeper(database, caller, vault, sends_mail=settings.smtp_url is not None)
        call_log = services.provide(CallLog(database, kept_days=settings.integration_call_log_days))
        writing = asyncio.create_task(call_log.run())
        admission = Admission(
            services[SharedRates],
            max_per_organization=settings.integration_calls_in_flight,
            max_in_total=MAX_CONNECTIONS,
        )
        gateway = services.provide(Gateway(caller, vault, tokens, call_log, admission))
        invocations = services.provide(Invocations(database, gateway, services[HeldKeys]))
        targets = services.provide(CallTargets(database, gateway))
        services[AfterChanges].add(targets.forget)
        services[Listener].subscribe(ACCESS_CHANNEL, targets.forget)
        services[Listener].subscribe(CONNECTIONS_CHANNEL, targets.forget)
        services.provide(OAuthFlow(database, caller, vault, public_url=settings.public_url))
        try:
            yield
        finally:
            # Before the log and the caller end: these calls need both.
            await invocations.close()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await tokens.close()
            await _write_the_rest(call_log)


async def _write_the_rest(call_log: CallLog) -> None:
    try:
        await call_log.write()
    except Exception as error:  # the database is away: the platform must be able to stop all the same
        log.error("integrations.call_log_lost", exc_info=error)


CallerDep = Annotated[Caller, Depends(provided(Caller))]
CallLogDep = Annotated[CallLog, Depends(provided(CallLog))]
CallTargetsDep = Annotated[CallTargets, Depends(provided(CallTargets))]
GatewayDep = Annotated[Gateway, Depends(provided(Gateway))]
InvocationsDep = Annotated[Invocations, Depends(provided(Invocations))]
OAuthFlowDep = Annotated[OAuthFlow, Depends(provided(OAuthFlow))]
VaultDep = Annotated[Vault, Depends(provided(Vault))]
