"""Offers the automio client, which scripts import in the sandbox and on a developer's machine.

Names are loaded on first use, so that `import automio` is fast (the `automio` command imports it too).
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "1.0.0.dev0"
"""The release of the platform and of its client; the package `automio-platform` takes its version from here."""

if TYPE_CHECKING:
    from automio._client import API, AsyncAPI
    from automio._csv_models import (
        CsvExport,
        CsvImport,
        CsvImportResult,
        CsvLineError,
        CsvObjection,
        CsvPreview,
        CsvPreviewColumn,
        CsvPreviewLine,
        CsvProblem,
    )
    from automio._csv_options import CsvReading
    from automio._exceptions import (
        ApiError,
        ApiException,
        AutomioError,
        BadRequest,
        CacheUnavailable,
        CallFailed,
        CapabilityNotImplemented,
        ConfigurationError,
        Conflict,
        ConnectionFailed,
        CsvJobFailed,
        FieldError,
        Forbidden,
        GraphqlException,
        IntegrationAccessDeniedError,
        IntegrationHasNoConnections,
        IntegrationNotFound,
        InvalidReply,
        ModuleHashMismatch,
        NotEnoughCredits,
        NotFound,
        PluginError,
        PluginNotFound,
        RateLimited,
        RequestTimeout,
        ServerError,
        StreamInterrupted,
        TransportError,
        Unauthorized,
        UnprocessableEntity,
    )
    from automio._file_models import File, FileLink, FileUsage
    from automio._integration_models import (
        ApiResponse,
        Connection,
        ConnectionsByOrganization,
        Integration,
        IntegrationCategory,
        IntegrationType,
        ParallelCallResponse,
        Plugin,
        PluginConnections,
        PluginIntegration,
        PluginInterface,
        StreamedAnswer,
    )
    from automio._mock import MockTransport
    from automio._models import (
        Action,
        ActionRunResponse,
        ActionRunStatusResponse,
        CacheEntry,
        GraphQLError,
        GraphQLRequest,
        GraphQLResponse,
        Page,
        Tag,
    )
    from automio._pagination import Pagination
    from automio._retry import RetryPolicy
    from automio._runtime import Notification, NotificationAction
    from automio._settings import Settings
    from automio._sync_models import Sync, SyncCheckpoint, SyncRejection, SyncRun

__all__ = [
    "API",
    "Action",
    "ActionRunResponse",
    "ActionRunStatusResponse",
    "ApiError",
    "ApiException",
    "ApiResponse",
    "AsyncAPI",
    "AutomioError",
    "BadRequest",
    "CacheEntry",
    "CacheUnavailable",
    "CallFailed",
    "CapabilityNotImplemented",
    "ConfigurationError",
    "Conflict",
    "Connection",
    "ConnectionFailed",
    "ConnectionsByOrganization",
    "CsvExport",
    "CsvImport",
    "CsvImportResult",
    "CsvJobFailed",
    "CsvLineError",
    "CsvObjection",
    "CsvPreview",
    "CsvPreviewColumn",
    "CsvPreviewLine",
    "CsvProblem",
    "CsvReading",
    "FieldError",
    "File",
    "FileLink",
    "FileUsage",
    "Forbidden",
    "GraphQLError",
    "GraphQLRequest",
    "GraphQLResponse",
    "GraphqlException",
    "Integration",
    "IntegrationAccessDeniedError",
    "IntegrationCategory",
    "IntegrationHasNoConnections",
    "IntegrationNotFound",
    "IntegrationType",
    "InvalidReply",
    "MockTransport",
    "ModuleHashMismatch",
    "NotEnoughCredits",
    "NotFound",
    "Notification",
    "NotificationAction",
    "Page",
    "Pagination",
    "ParallelCallResponse",
    "Plugin",
    "PluginConnections",
    "PluginError",
    "PluginIntegration",
    "PluginInterface",
    "PluginNotFound",
    "RateLimited",
    "RequestTimeout",
    "RetryPolicy",
    "ServerError",
    "Settings",
    "StreamInterrupted",
    "StreamedAnswer",
    "Sync",
    "SyncCheckpoint",
    "SyncRejection",
    "SyncRun",
    "Tag",
    "TransportError",
    "Unauthorized",
    "UnprocessableEntity",
]

_MODULES = {
    "_client": ("API", "AsyncAPI"),
    "_sync_models": ("Sync", "SyncCheckpoint", "SyncRejection", "SyncRun"),
    "_csv_models": (
        "CsvExport",
        "CsvImport",
        "CsvImportResult",
        "CsvLineError",
        "CsvObjection",
        "CsvPreview",
        "CsvPreviewColumn",
        "CsvPreviewLine",
        "CsvProblem",
    ),
    "_csv_options": ("CsvReading",),
    "_exceptions": (
        "ApiError",
        "ApiException",
        "AutomioError",
        "BadRequest",
        "CacheUnavailable",
        "CallFailed",
        "CapabilityNotImplemented",
        "ConfigurationError",
        "Conflict",
        "ConnectionFailed",
        "CsvJobFailed",
        "FieldError",
        "Forbidden",
        "GraphqlException",
        "IntegrationAccessDeniedError",
        "IntegrationHasNoConnections",
        "IntegrationNotFound",
        "InvalidReply",
        "ModuleHashMismatch",
        "NotEnoughCredits",
        "NotFound",
        "PluginError",
        "PluginNotFound",
        "RateLimited",
        "RequestTimeout",
        "ServerError",
        "StreamInterrupted",
        "TransportError",
        "Unauthorized",
        "UnprocessableEntity",
    ),
    "_file_models": ("File", "FileLink", "FileUsage"),
    "_integration_models": (
        "ApiResponse",
        "Connection",
        "ConnectionsByOrganization",
        "Integration",
        "IntegrationCategory",
        "IntegrationType",
        "ParallelCallResponse",
        "Plugin",
        "PluginConnections",
        "PluginIntegration",
        "PluginInterface",
        "StreamedAnswer",
    ),
    "_mock": ("MockTransport",),
    "_models": (
        "Action",
        "ActionRunResponse",
        "ActionRunStatusResponse",
        "CacheEntry",
        "GraphQLError",
        "GraphQLRequest",
        "GraphQLResponse",
        "Page",
        "Tag",
    ),
    "_pagination": ("Pagination",),
    "_retry": ("RetryPolicy",),
    "_runtime": ("Notification", "NotificationAction"),
    "_settings": ("Settings",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'automio' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"automio.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
