"""Names the kinds of names that a script passes as text.

While a script is edited on the platform, this module is replaced by one that lists the app's own names, so that the
editor completes them inside quotes.
"""

from typing import TypeAlias

TableName: TypeAlias = str
"""The name of a table, without the prefix `app_<id>_`."""
IntegrationName: TypeAlias = str
"""The id of an integration, such as `sample_shop`."""
Endpoint: TypeAlias = str
"""The address of an integration's operation: a path below its base URL, or a whole URL."""
