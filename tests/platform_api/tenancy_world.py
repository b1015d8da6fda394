"""One organization with one of everything, for `test_tenancy.py`, which tries every endpoint on it as a stranger.

A domain that adds an endpoint with a new path parameter adds here what to put there: under the parameter's name, or
under `<segment before it>.<name>` when the name alone is ambiguous (`actions.id`).
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from platform_api.csv.worker import CsvWorker
from platform_api.idempotency.models import IdempotencyKey
from platform_api.integrations.invocations import stored_answers
from platform_api.integrations.outgoing.caller import UpstreamAnswer
from tests.platform_api.conftest import Caller, Platform


@dataclass(frozen=True, slots=True)
class World:
    """What the victim has; `marker` is part of every name in it, so that a leak can be recognised."""

    victim: Caller
    marker: str
    parameters: dict[str, str]


Fill = Callable[[Platform, Caller, str], Awaitable[dict[str, str]]]


async def _accounts(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    async with platform.client(victim) as client:
        [token] = (await client.get("/api/tokens/")).json()["results"]
        url = f"/api/organizations/{victim.organization_slug}/invitations/"
        invited = await client.post(url, json={"role": "owner", "email": f"{marker}@example.com"})
        assert invited.status_code == 201, invited.text
        # Whoever has the link learns whom it is for, so this holds no marker.
        link = await client.post(url, json={"role": "owner", "email": f"{secrets.token_hex(5)}@example.com"})
        assert link.status_code == 201, link.text
    async with platform.client() as browser:
        credentials = {"email": victim.email, "password": Platform.password}
        assert (await browser.post("/api/sessions/", json=credentials)).status_code == 200
        [sign_in] = (await browser.get("/api/sessions/")).json()
    return {
        "organization": victim.organization_slug,
        "user_id": str(victim.user_id),
        "token_id": str(token["id"]),
        "invitation_id": str(invited.json()["id"]),
        "invitations.token": link.json()["url"].rpartition("/")[2],
        "session_id": sign_in["id"],
    }


async def _apps(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    app = await platform.create_app(victim, slug=f"{marker}-app")
    async with platform.client(victim) as client:
        saved = await client.post(
            f"/api/apps/{app.id}/source/", json={"base_version": 0, "files": {f"{marker}.py": marker}}
        )
        assert saved.status_code == 201, saved.text
        made = await client.post(
            f"/api/apps/{app.id}/new_table/", json={"name": "orders", "columns": [{"name": marker, "type": "text"}]}
        )
        assert made.status_code == 200, made.text
        tagged = await client.post(f"/api/apps/table-tags/{app.id}/orders/add/", json={"name": marker})
        assert tagged.status_code == 200, tagged.text
        insert = "mutation { insert_orders_one(object: {}) { id } }"
        added = await client.post(f"/api/apps/{app.id}/v1/graphql", json={"query": insert})
        row = added.json()["data"]["insert_orders_one"]["id"]
    table = {"table_name": "orders", "row_id": row, "role": "member"}
    return {"app": str(app.id), **table, "tag_id": tagged.json()["_id"]}


async def _actions(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    async with platform.client(victim) as client:
        action = await client.post(
            "/api/actions/",
            json={"app": f"{marker}-app", "name": marker, "code": "print(1)", "action_type": "app_action"},
        )
        assert action.status_code == 201, action.text
        run = await client.post(
            f"/api/actions/{action.json()['id']}/run/",
            json={"user_input": {"of": marker}},
            headers={"Idempotency-Key": "first"},
        )
        assert run.status_code == 200, run.text
    started = {"run": str(run.json()["run_id"]), "task_id": run.json()["task_id"], "request_key": "first"}
    return {"action": str(action.json()["id"]), **started}


async def _integrations(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    # Not named by the marker: the stranger sends it, so a refusal may repeat it.
    integration_id = f"api{secrets.token_hex(5)}"
    definition = {"id": integration_id, "name": marker, "version": "1.0", "base_url": "http://127.0.0.1:9"}
    async with platform.client(victim) as client:
        made = await client.post("/api/integrations/", json=definition)
        assert made.status_code == 201, made.text
        connection = await client.post(f"/api/integrations/{integration_id}/connections/", json={"name": marker})
        assert connection.status_code == 201, connection.text
    invocation_id = await _called(platform, victim, marker, integration_id)
    connection_id = str(connection.json()["id"])
    return {"integration_id": integration_id, "connection_id": connection_id, "invocation_id": invocation_id}


async def _called(platform: Platform, victim: Caller, marker: str, integration_id: str) -> str:
    """A call that was made with a key; a service to answer it would have to stay as long as the world."""
    answer = UpstreamAnswer(
        *(200, {"Content-Type": "application/octet-stream"}, "", None, f"http://127.0.0.1:9/{marker}", 1),
        content=marker.encode() + b"\0",
    )
    async with platform.database.transaction() as session:
        key = IdempotencyKey(
            organization_id=victim.organization_id,
            app_id=0,
            user_id=victim.user_id,
            subject=f"call:{integration_id}",
            key="first",
            digest=b"",
            outcome=stored_answers.write(answer),
        )
        session.add(key)
        await session.flush()
        return str(key.id)


async def _plugins(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    # Names a stranger's request repeats hold no marker.
    namespace, integration_id = f"ns{secrets.token_hex(5)}", f"api{secrets.token_hex(5)}"
    code = f"def {marker}(connection_ids): ..."
    async with platform.client(victim) as client:
        definition = {"id": integration_id, "name": marker, "base_url": "http://127.0.0.1:9"}
        defined = await client.post("/api/integrations/", json=definition)
        assert defined.status_code == 201, defined.text
        body = {"namespace": namespace, "title": marker, "capabilities": [marker], "code": code}
        interface = await client.post("/api/plugins/plugin-interfaces/", json=body)
        assert interface.status_code == 201, interface.text
        plugin = await client.post(
            f"/api/plugins/plugin-interfaces/{namespace}/plugins/",
            json={"integration_id": integration_id, "code": code},
        )
        assert plugin.status_code == 201, plugin.text
    return {"namespace": namespace, "plugin_id": str(plugin.json()["id"]), "module": f"interfaces.{namespace}"}


async def _notifications(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    async with platform.client(victim) as client:
        mail = await client.post("/api/integrations/mailer/notify-me/", json={"subject": marker, "text": marker})
        assert mail.status_code == 200, mail.text
        told = await client.post("/api/notifications/", json={"title": marker})
        assert told.status_code == 201, told.text
    return {"mail_id": str(mail.json()["id"]), "notification_id": str(told.json()["id"])}


async def _files(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    path = f"/api/apps/{marker}-app/files/"
    async with platform.client(victim) as client:
        # Whoever has the link may have the content, so this holds no marker.
        stored = await client.post(path, files={"file": (f"{marker}.txt", b"content")})
        # The stranger sends path and address, so a refusal may repeat them.
        body = {"path": "exports/a.txt"}
        at_path = await client.post(f"{path}upload/", files={"file": (f"{marker}.txt", b"content")}, data=body)
        assert at_path.status_code == 201, at_path.text
        assert stored.status_code == 201, stored.text
        link = await client.post(f"{path}{stored.json()['id']}/link/")
        assert link.status_code == 200, link.text
    known = {"path": "exports/a.txt", "public_url": at_path.json()["public_url"]}
    return {"file_id": str(stored.json()["id"]), "link": link.json()["url"].partition("?link=")[2], **known}


async def _csv(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    worker = platform.app.services[CsvWorker]
    async with platform.client(victim) as client:
        sent = await client.post(
            "/api/apps/csv-imports/",
            data={"app": f"{marker}-app", "table": "orders"},
            files={"file": (f"{marker}.csv", f"{marker}\n{marker}\ntoo,many\n")},
        )
        assert sent.status_code == 201, sent.text
        asked = await client.post("/api/apps/csv-exports/", json={"app": f"{marker}-app", "table": "orders"})
        assert asked.status_code == 201, asked.text
        import_id, export_id = sent.json()["id"], asked.json()["id"]
        for path, work_next in (
            (f"/api/apps/csv-imports/{import_id}/", worker.import_next),
            (f"/api/apps/csv-exports/{export_id}/", worker.export_next),
        ):
            while (job := (await client.get(path)).json())["status"] != "completed":
                assert job["status"] != "failed", job
                await work_next()
    return {"import_id": str(import_id), "export_id": str(export_id)}


async def _webhooks(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    app = f"{marker}-app"
    async with platform.client(victim) as client:
        action = {"app": app, "name": marker, "code": "print(1)", "action_type": "webhook_action", "slug": "take"}
        made = await client.post("/api/actions/", json=action)
        assert made.status_code == 201, made.text
        hook = {"action": "take", "methods": ["GET", "POST", "PUT"]}
        opened = await client.post(f"/api/apps/{app}/webhooks/", json=hook)
        assert opened.status_code == 201, opened.text
        # For the test that has no token: rotating the other would close it.
        called = await client.post(f"/api/apps/{app}/webhooks/", json=hook)
        assert called.status_code == 201, called.text
    return {"webhook_id": str(opened.json()["id"]), "app_slug": app, "webhook_slug": called.json()["slug"]}


async def _syncs(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    integration_id, name = f"api{secrets.token_hex(5)}", f"sync{secrets.token_hex(5)}"
    async with platform.client(victim) as client:
        definition = {
            "id": integration_id,
            "name": marker,
            "base_url": "http://127.0.0.1:9",
            "retry": {"attempts": 1},
        }
        assert (await client.post("/api/integrations/", json=definition)).status_code == 201
        account = await client.post(f"/api/integrations/{integration_id}/connections/", json={"name": marker})
        assert account.status_code == 201, account.text
        table = {"name": "synced", "columns": [{"name": marker, "type": "text"}], "unique": [{"columns": [marker]}]}
        assert (await client.post(f"/api/apps/{marker}-app/new_table/", json=table)).status_code == 200
        declared = {
            "name": name,
            "integration_id": integration_id,
            "request": {"endpoint": "/"},
            "pagination": {"style": "single"},
            "table": "synced",
            "mapping": {marker: "id"},
            "key": [marker],
        }
        made = await client.post(f"/api/apps/{marker}-app/syncs/", json=declared)
        assert made.status_code == 201, made.text
        assert (await client.post(f"/api/apps/{marker}-app/syncs/{name}/run/", json={})).status_code == 200
    return {"sync": name}


async def _documents(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    async with platform.client(victim) as client:
        view = await client.post(
            f"/api/apps/{marker}-app/table/orders/views/",
            json={"name": marker, "content": {"hidden": [marker]}, "is_shared": True},
        )
        assert view.status_code == 201, view.text
        draft = {"app": f"{marker}-app", "subject": marker, "base_revision": 0, "content": {"text": marker}}
        kept = await client.put("/api/drafts/", json=draft)
        assert kept.status_code == 200, kept.text
    return {"view_id": str(view.json()["id"]), "draft_id": str(kept.json()["id"])}


async def _schedules(platform: Platform, victim: Caller, marker: str) -> dict[str, str]:
    path = f"/api/apps/{marker}-app/actions/{marker}/schedules/"
    async with platform.client(victim) as client:
        body = {"name": marker, "schedule": {"every_minutes": 1000}, "input": {"of": marker}}
        stored = await client.post(path, json=body)
        assert stored.status_code == 201, stored.text
    return {"schedule_id": str(stored.json()["id"])}


FILLS: list[Fill] = [
    *(_accounts, _apps, _actions, _integrations, _plugins, _notifications, _files, _csv, _webhooks, _syncs),
    _documents,
    _schedules,
]


async def build_world(platform: Platform) -> World:
    """A new organization with one of everything."""
    marker = f"victim{secrets.token_hex(5)}"
    organization = await platform.create_organization(slug=f"{marker}-org")
    victim = await platform.create_caller(organization=organization)
    parameters: dict[str, str] = {}
    for fill in FILLS:
        parameters |= await fill(platform, victim, marker)
    return World(victim, marker, parameters)
