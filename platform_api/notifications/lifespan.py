"""Provides what mail and notifications need as long as the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.accounts.links.mail import TOPIC as ACCOUNT_TOPIC
from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.notifications.inbox.signals import InboxSignals
from platform_api.notifications.mail.account_letters import AccountLetters
from platform_api.notifications.mail.delivery import MailDelivery, MailServer
from platform_api.notifications.mail.service import TOPIC
from platform_api.outbox.worker import OutboxHandlers


@asynccontextmanager
async def notifications_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides InboxSignals; makes the outbox deliver mail when there is a mail server."""
    services.provide(InboxSignals(services[Listener]))
    settings = services[Settings]
    if settings.smtp_url is not None:
        server = MailServer.from_url(settings.smtp_url.get_secret_value(), public_url=settings.public_url)
        handlers = services[OutboxHandlers]
        handlers.add(TOPIC, MailDelivery(services[Database], server).handle)
        letters = AccountLetters(services[Database], server, public_url=settings.public_url)
        handlers.add(ACCOUNT_TOPIC, letters.handle)
    yield
