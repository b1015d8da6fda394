"""Defines the queue of runs."""

from platform_api.syncs.models import SyncRun, SyncRunState
from platform_api.work.queue import Order, Queue, Share

CHANNEL = "automio_syncs"
"""PostgreSQL notifies here when a run is committed."""
_MAX_AT_ONCE = 2
"""Of one organization, so that nobody keeps others waiting."""

RUNS = Queue(
    SyncRun,
    name="syncs",
    channel=CHANNEL,
    pending=SyncRunState.PENDING,
    running=SyncRunState.RUNNING,
    share=Share(SyncRun.organization_id, _MAX_AT_ONCE),
    # One run at a time of a sync and connection, except where they may overlap.
    order=Order([SyncRun.sync_id, SyncRun.connection_id], exempt=SyncRun.beside),
)
