"""What mail and notifications need as long as the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from platform_api.core.listener import listener_of
from platform_api.core.settings import Settings
from platform_api.notifications.inbox.signals import InboxSignals
from platform_api.notifications.mail.delivery import MailDelivery, MailServer
from platform_api.notifications.mail.service import TOPIC
from platform_api.outbox.lifespan import outbox_handlers


@asynccontextmanager
async def notifications_lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Makes the outbox deliver mail when there is a mail server; sets `state.inbox_signals`."""
    api.state.inbox_signals = InboxSignals(listener_of(api))
    settings: Settings = api.state.settings
    if settings.smtp_url is not None:
        server = MailServer.from_url(settings.smtp_url.get_secret_value(), public_url=settings.public_url)
        outbox_handlers(api)[TOPIC] = MailDelivery(api.state.database, server).handle
    yield
