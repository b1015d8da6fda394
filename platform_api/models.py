"""Imports every table of the control plane and thus completes `metadata` (migrations, foreign keys)."""

from platform_api.accounts import models as accounts
from platform_api.accounts.invitations import models as invitations
from platform_api.accounts.resets import models as password_resets
from platform_api.accounts.set_up import models as set_up
from platform_api.actions import models as actions
from platform_api.apps import models as apps
from platform_api.cache import models as cache
from platform_api.core.database import Base
from platform_api.csv import models as csv
from platform_api.documents import models as documents
from platform_api.files import models as files
from platform_api.idempotency import models as idempotency
from platform_api.integrations import models as integrations
from platform_api.language_server import models as language_server
from platform_api.limits import models as limits
from platform_api.notifications.inbox import models as inbox
from platform_api.notifications.mail import models as notifications
from platform_api.outbox import models as outbox
from platform_api.plugins import models as plugins
from platform_api.presence import models as presence
from platform_api.retention import models as retention
from platform_api.runs import models as runs
from platform_api.syncs import models as syncs
from platform_api.tables import models as tables
from platform_api.tables.permissions import models as table_permissions
from platform_api.triggers import models as triggers
from platform_api.webhooks import models as webhooks

DOMAINS = (
    *(accounts, actions, apps, cache, csv, files, inbox, integrations, limits, notifications, outbox, plugins, runs),
    *(language_server, presence, retention, syncs, tables, triggers, webhooks),
    *(invitations, password_resets, set_up, documents, idempotency, table_permissions),
)

metadata = Base.metadata
