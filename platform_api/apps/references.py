"""Resolves how callers name an app: by id, slug, or `<org>/<app>`."""

from sqlalchemy import ColumnElement, select

from platform_api.accounts.models import Organization
from platform_api.apps.models import App

_MAX_ID = 2**31 - 1


def names_app(reference: int | str) -> ColumnElement[bool]:
    """Returns the condition that an app is the one that `reference` names, whoever may see it."""
    text = str(reference).strip().strip("/")
    if text.isascii() and text.isdecimal():
        number = int(text[:12])
        return App.id == (number if number <= _MAX_ID else -1)
    organization, slash, slug = text.rpartition("/")
    if not slash:
        return App.slug == slug
    owner = select(Organization.id).where(Organization.slug == organization)
    # tenancy: part of a name, not a right; every use adds the caller's own condition
    return (App.slug == slug) & App.organization_id.in_(owner)
