"""Defines the ids of the control plane as types that cannot be mixed up."""

from typing import NewType

OrganizationId = NewType("OrganizationId", int)
UserId = NewType("UserId", int)
TokenId = NewType("TokenId", int)
AppId = NewType("AppId", int)
TableId = NewType("TableId", int)
ActionId = NewType("ActionId", int)
ConnectionId = NewType("ConnectionId", int)
RunId = NewType("RunId", int)
PluginInterfaceId = NewType("PluginInterfaceId", int)
PluginId = NewType("PluginId", int)
FileId = NewType("FileId", int)
NotificationId = NewType("NotificationId", int)
