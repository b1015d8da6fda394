"""The built-in catalogue and the definition schema."""

from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth1Auth,
    OAuth2Auth,
    fill_base_url,
)

EXPECTED = [
    "allegro", "allegro_sandbox", "github", "gitlab", "slack", "google_sheets", "gmail", "google_calendar",
    "google_drive", "microsoft_graph", "notion", "airtable", "hubspot", "salesforce", "pipedrive", "stripe",
    "shopify", "woocommerce", "jira", "linear", "asana", "trello", "zoom", "discord", "telegram", "twilio",
    "sendgrid", "mailchimp", "openai", "anthropic", "dropbox", "zendesk", "intercom", "mock_shop",
]  # fmt: skip


def test_the_catalogue_holds_the_well_known_services() -> None:
    assert set(EXPECTED) <= set(built_in())
    assert len(built_in()) >= 60


@pytest.mark.parametrize("definition", built_in().values(), ids=lambda definition: definition.id)
def test_a_built_in_definition_is_complete(definition: IntegrationDefinition) -> None:
    assert definition.description
    assert definition.categories
    assert definition.id == "mock_shop" or definition.docs_url
    if definition.after_connect is not None:
        assert definition.after_connect.url.startswith(("https://", "/"))
    if isinstance(definition.auth, OAuth2Auth | OAuth1Auth):
        urls = [definition.auth.token_url, definition.auth.authorize_url]
        assert all(url is None or url.startswith("https://") for url in urls)
    told = dict.fromkeys(definition.token_values, "https://told.example")
    secrets = {"api_key": "1:k", "values": told}
    is_whole = definition.base_url.startswith("{")
    asked = {
        name: "https://told.example" if is_whole and not number else "example-1"
        for number, name in enumerate(definition.asked_values)
    }
    filled = fill_base_url(definition, dict.fromkeys(definition.placeholders, "example-1") | asked, secrets)
    assert definition.id == "mock_shop" or urlsplit(filled).scheme == "https"
    assert "{" not in filled


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "mailer"}, "reserved"),
        ({"id": "Bad Id"}, "pattern"),
        ({"base_url": "ftp://x"}, "http"),
        ({"base_url": "https://u:p@host"}, "without a user"),
        ({"version": "1.2.3-alpha.4"}, "10 characters"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "line breaks"),
        ({"headers": {"X A": "b"}}, "header name"),
        ({"auth": {"type": "oauth2", "token_url": "https://x/t"}}, "authorize_url"),
        ({"auth": {"type": "hmac", "fields": ["cookie"]}}, "signed field"),
        ({"auth": {"type": "magic"}}, "magic"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_definition_is_refused_with_its_reason(changes: dict[str, object], said: str) -> None:
    good = {"id": "x", "name": "X", "base_url": "https://x.example"}
    IntegrationDefinition.model_validate(good)
    with pytest.raises(ValidationError, match=said):
        IntegrationDefinition.model_validate(good | changes)


@pytest.mark.parametrize("value", ["evil.example/x?", "a@b", "a/b", "", "-a", "a b", "a:80"])
def test_a_placeholder_cannot_change_the_host(value: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        fill_base_url(built_in()["shopify"], {"shop": value})
