"""Wakes those in this process that follow an import or an export."""

from platform_api.core.listener import Listener
from platform_api.core.watchers import Watchers
from platform_api.csv.jobs import EXPORT_CHANNEL, IMPORT_CHANNEL


class ImportSignals(Watchers):
    """Knows who follows which import."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, IMPORT_CHANNEL)


class ExportSignals(Watchers):
    """Knows who follows which export."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, EXPORT_CHANNEL)
