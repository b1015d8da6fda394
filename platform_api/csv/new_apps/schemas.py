"""Defines the JSON of an app that was created from a file."""

from pydantic import BaseModel

from platform_api.apps.schemas import Application
from platform_api.csv.schemas import CsvImportRead


class AppFromFile(BaseModel):
    """Holds a new app and the import that fills its table."""

    app: Application
    table: str
    csv_import: CsvImportRead
