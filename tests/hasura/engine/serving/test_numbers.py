"""No digit of a number is lost on the way to PostgreSQL, nor on the way back, whichever way it takes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hasura.engine import exact_json
from hasura.engine.exact_json import ExactNumber, number
from hasura.engine.schema_cache import SchemaOptions
from tests.hasura.engine.serving.clients import LEGACY, TRANSPORT, client_of
from tests.hasura.engine.serving.conftest import Served
from tests.lengths import at_length

Serve = Callable[..., Served]
# As PostgreSQL writes them.
_PRICES = [
    "12345678901234567.89",
    "0.000000000000000000000000000001",
    "123456789012345678901234567890.123456789",
    "1.10",
    "100",
    "-9007199254740993",
]
_BIG = "9007199254740993"
_TABLE = "create table stock (id integer primary key, price numeric, big bigint, doc jsonb, raw json)"


@pytest.fixture
def stock(serve: Serve) -> Iterator[Served]:
    served = serve()
    served.sql(_TABLE)
    served.metadata("pg_track_table", source="default", table="stock")
    yield served


def _rows() -> str:
    return ",".join(
        f'{{"id": {index}, "price": {price}, "big": {_BIG}, "doc": [{price}], "raw": {{"a": {price}}}}}'
        for index, price in enumerate(_PRICES)
    )


def _stored(served: Served) -> list[str]:
    found = served.client.post(
        "/v2/query",
        json={"type": "run_sql", "args": {"sql": "select price, big, doc->>0, raw->>'a' from stock order by id"}},
        headers=served.admin_headers(),
    ).json()
    return found["result"][1:]  # type: ignore[no-any-return]


_EXPECTED = [[price, _BIG, price, price] for price in _PRICES]
_INSERT = (
    "mutation ($rows: [stock_insert_input!]!) { insert_stock(objects: $rows) { returning { price big doc raw } } }"
)
_ALL = "stock(order_by: {id: asc}) { price big doc raw }"


def _answer_holds_every_digit(text: str) -> None:
    for price in _PRICES:
        # As a column, in jsonb, and in json.
        assert text.count(price) >= 3, (price, text)
    assert text.count(_BIG) >= len(_PRICES)


def test_numbers_sent_as_variables_arrive_and_come_back_as_they_are(stock: Served) -> None:
    body = f'{{"query": "{_INSERT}", "variables": {{"rows": [{_rows()}]}}}}'
    for content in (body, f"[{body}]"):
        stock.sql("delete from stock")
        answer = stock.client.post("/v1/graphql", content=content, headers=stock.admin_headers())
        _answer_holds_every_digit(answer.text)
        assert _stored(stock) == _EXPECTED
    partly = f'[{{"query": "{{ {_ALL} }}"}}, {{"query": "{{ nothing }}"}}]'
    answer = stock.client.post("/v1/graphql", content=partly, headers=stock.admin_headers())
    assert "errors" in answer.text
    _answer_holds_every_digit(answer.text)


def test_numbers_written_in_the_document_arrive_as_they_are(stock: Served) -> None:
    rows = ",".join(
        f"{{id: {index}, price: {price}, big: {_BIG}, doc: [{price}], raw: {{a: {price}}}}}"
        for index, price in enumerate(_PRICES)
    )
    assert "errors" not in stock.graphql(f"mutation {{ insert_stock(objects: [{rows}]) {{ affected_rows }} }}")
    assert _stored(stock) == _EXPECTED
    for index, price in enumerate(_PRICES):
        for document in (
            f"{{ stock(where: {{price: {{_eq: {price}}}}}) {{ id }} }}",
            f"query ($v: numeric = {price}) {{ stock(where: {{price: {{_in: [$v]}}}}) {{ id }} }}",
            f"query ($v: [numeric!] = [{price}]) {{ stock(where: {{price: {{_in: $v}}}}) {{ id }} }}",
        ):
            assert stock.graphql(document) == {"data": {"stock": [{"id": index}]}}, document


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_they_keep_their_digits_over_a_websocket(stock: Served, protocol: str) -> None:
    rows = exact_json.loads(f"[{_rows()}]")
    stream = "stock_stream(batch_size: 10, cursor: {initial_value: {id: -1}}) { price big doc raw }"
    with client_of(stock, protocol) as client:
        client.start("write", _INSERT, variables={"rows": rows})
        _answer_holds_every_digit(client.receive_text())
        assert client.receive()["type"] == "complete"
        assert _stored(stock) == _EXPECTED
        for identifier, field in (("live", _ALL), ("stream", stream)):
            client.start(identifier, f"subscription {{ {field} }}")
            _answer_holds_every_digit(client.receive_text())
        client.start(
            "one",
            "subscription ($v: numeric) { stock(where: {price: {_eq: $v}}) { id } }",
            variables={"v": number(_PRICES[0])},
        )
        assert client.next_data("one") == {"data": {"stock": [{"id": 0}]}}


def test_they_keep_their_digits_in_saved_operations(stock: Served) -> None:
    find = "query ($price: numeric) { stock(where: {price: {_eq: $price}}) { id price } }"
    stock.metadata(
        "create_query_collection",
        name="saved",
        definition={"queries": [{"name": "write", "query": _INSERT}, {"name": "find", "query": find}]},
    )
    for name, url in (("write", "write"), ("find", "find"), ("at", "at/:price")):
        stock.metadata(
            "create_rest_endpoint",
            name=name,
            url=url,
            methods=["GET", "POST"],
            definition={"query": {"collection_name": "saved", "query_name": "write" if name == "write" else "find"}},
        )
    headers = stock.admin_headers()
    written = stock.client.post("/api/rest/write", content=f'{{"rows": [{_rows()}]}}', headers=headers)
    _answer_holds_every_digit(written.text)
    for index, price in enumerate(_PRICES):
        expected = f'{{"stock":[{{"id":{index},"price":{price}}}]}}'
        posted = stock.client.post("/api/rest/find", content=f'{{"price": {price}}}', headers=headers)
        assert posted.text.replace(" ", "").replace("\n", "") == expected
        for path in (f"/api/rest/find?price={price}", f"/api/rest/at/{price}"):
            assert stock.client.get(path, headers=headers).text.replace("\n", "").replace(" ", "") == expected


def test_they_keep_their_digits_in_the_metadata_and_its_data_api(stock: Served) -> None:
    def call(path: str, kind: str, args: str) -> str:
        content = f'{{"type": "{kind}", "args": {{"source": "default", "table": "stock", {args}}}}}'
        answer = stock.client.post(path, content=content, headers=stock.admin_headers())
        assert answer.status_code == 200, answer.text
        return answer.text

    price = _PRICES[0]
    call(
        "/v1/metadata",
        "pg_create_insert_permission",
        '"role": "user", "permission": '
        f'{{"columns": ["id"], "check": {{}}, "set": {{"price": {price}, "big": {_BIG}}}}}',
    )
    call(
        "/v1/metadata",
        "pg_create_select_permission",
        f'"role": "user", "permission": {{"columns": "*", "filter": {{"price": {{"_eq": {price}}}}}}}',
    )
    exported = stock.client.post(
        "/v1/metadata", json={"type": "export_metadata", "args": {}}, headers=stock.admin_headers()
    )
    assert exported.text.count(price) == 2
    replaced = stock.client.post(
        "/v1/metadata",
        content=b'{"type": "replace_metadata", "args": ' + exported.content + b"}",
        headers=stock.admin_headers(),
    )
    assert replaced.status_code == 200, replaced.text
    user = stock.admin_headers(X_Hasura_Role="user")
    stock.graphql("mutation { insert_stock_one(object: {id: 0}) { id } }", headers=user)
    stock.sql("insert into stock values (1, 12345678901234567.8, 9007199254740992)")
    assert stock.graphql("{ stock { id } }", headers=user) == {"data": {"stock": [{"id": 0}]}}
    assert _stored(stock)[0][:2] == [price, _BIG]

    stock.sql("delete from stock")
    call("/v2/query", "insert", f'"objects": [{_rows()}]')
    assert _stored(stock) == _EXPECTED
    _answer_holds_every_digit(call("/v2/query", "select", '"columns": ["price", "big", "doc", "raw"]'))


def test_wide_numbers_are_text_where_the_server_is_told_so(serve: Serve) -> None:
    served = serve(schema=SchemaOptions(stringify_numeric_types=True))
    served.sql(_TABLE)
    served.metadata("pg_track_table", source="default", table="stock")
    body = f'{{"query": "{_INSERT}", "variables": {{"rows": [{_rows()}]}}}}'
    returned = served.client.post("/v1/graphql", content=body, headers=served.admin_headers()).json()
    rows = returned["data"]["insert_stock"]["returning"]
    assert [(row["price"], row["big"]) for row in rows] == [(price, _BIG) for price in _PRICES]
    # And are taken back as text.
    found = served.graphql(
        "query ($v: numeric, $b: bigint) { stock(where: {price: {_eq: $v}, big: {_eq: $b}}) { id } }",
        variables={"v": _PRICES[0], "b": _BIG},
    )
    assert found == {"data": {"stock": [{"id": 0}]}}


_DIGITS = st.text("0123456789", min_size=1, max_size=40)


@given(
    sign=st.sampled_from(["", "-"]),
    whole=st.from_regex(r"(0|[1-9][0-9]{0,40})", fullmatch=True),
    fraction=_DIGITS,
    exponent=st.none() | st.integers(-400, 400),
)
def test_every_number_comes_back_as_it_was_written(
    sign: str, whole: str, fraction: str, exponent: int | None
) -> None:
    text = f"{sign}{whole}.{fraction}" + ("" if exponent is None else f"e{exponent}")
    assert exact_json.dumps(exact_json.loads(text)).decode() == text
    read = exact_json.loads(f"[{text}, {sign}{whole}]")
    assert isinstance(read, list)
    assert read[0] == number(text)
    assert float(read[0]) == float(text)  # type: ignore[arg-type]
    assert isinstance(read[0], ExactNumber) or repr(read[0]) == text
    assert read[1] == int(f"{sign}{whole}")


@settings(max_examples=at_length(20, full=200))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@pytest.mark.slow
def test_what_is_written_is_read_back(value: Any) -> None:
    assert exact_json.loads(exact_json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("5.0", 5),
        ("5.5", None),
        ("1e3", 1000),
        ("1e-3", None),
        ("12345678901234567.0", 12345678901234567),
        ("12345678901234567.5", None),
        ("1e400", 10**400),
        ("1e401", None),
        ("1e99999999999999999999", None),
        ("-0.0", 0),
        ("true", None),
        ('"5"', None),
    ],
)
def test_a_whole_number_is_one_however_it_is_written(text: str, expected: int | None) -> None:
    assert exact_json.whole(exact_json.loads(text)) == expected
