"""Offers a type for the rows of each table: `from automio.rows import Orders` for a table `orders`.

In a running script every such type is `dict`. The platform's editor knows each as a TypedDict with the columns of the
table.
"""


def __getattr__(name: str) -> type[dict[str, object]]:
    if name.startswith("_"):
        raise AttributeError(f"automio.rows has no {name}")
    return dict
