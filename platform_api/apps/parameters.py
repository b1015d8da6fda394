"""Defines how requests name an app: in the path, or in the query."""

from typing import Annotated

from fastapi import Path, Query

AppReference = Annotated[str, Path(description="Id or slug of the app", max_length=63)]
AppQuery = Annotated[str | None, Query(description="Id, slug or `<org>/<app>`", max_length=130)]
