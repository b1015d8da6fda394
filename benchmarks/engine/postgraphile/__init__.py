"""Installs PostGraphile 5 from npm into an ignored folder and serves it on the same database, for comparison."""

import contextlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.comparison import Contender, free_port, post
from benchmarks.engine.cases import EACH_ID, bodies

_HERE = Path(__file__).parent
_INSTALLED = _HERE.parent.parent.parent / ".cache" / "postgraphile"

_RELATION = """query ($genre: String!) {
  allArtists(first: LIMIT, orderBy: [ARTIST_ID_ASC], filter: {albumsByArtistId: {some: {tracksByAlbumId: {some: {
      genreByGenreId: {name: {equalTo: $genre}}}}}}}) { nodes {
    artistId name
    albumsByArtistId(orderBy: [ALBUM_ID_ASC]) { nodes {
      title tracksByAlbumId(orderBy: [TRACK_ID_ASC], first: 3) { nodes { name milliseconds } } } } } } }"""

_QUERIES: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "list": (
        "{ allTracks(first: 20, orderBy: [TRACK_ID_ASC]) { nodes { trackId name composer milliseconds } } }",
        {},
        [],
    ),
    "by key": (
        "query ($id: Int!) { trackByTrackId(trackId: $id) { trackId name composer milliseconds unitPrice } }",
        {"id": 1742},
        EACH_ID,
    ),
    "relation filter, small": (_RELATION.replace("LIMIT", "2"), {"genre": "Genre 7"}, []),
    "relation filter, large": (_RELATION.replace("LIMIT", "200"), {"genre": "Genre 7"}, []),
    "update by key": (
        "mutation ($id: Int!, $title: String!) {"
        " updateNoteByRowId(input: {rowId: $id, notePatch: {title: $title}}) { note { rowId title } } }",
        {"id": 417, "title": "Changed"},
        EACH_ID,
    ),
}


def _bodies() -> dict[str, list[bytes]]:
    """Returns PostGraphile's requests for the cases that it supports."""
    return {name: bodies(*case) for name, case in _QUERIES.items()}


@contextlib.contextmanager
def serving_postgraphile(database_url: str) -> Iterator[Contender]:
    """Installs PostGraphile where it is missing and serves it. Raises RuntimeError when npm cannot bring it."""
    _install()
    port = free_port()
    url = f"http://127.0.0.1:{port}/graphql"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "PORT": str(port),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    command = ["node_modules/.bin/node", "node_modules/postgraphile/dist/cli-run.js"]
    process = subprocess.Popen(command, cwd=_INSTALLED, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(urllib.request.Request(url, b'{"query":"{ __typename }"}', _JSON), timeout=1)
                break
            time.sleep(0.1)
        for name, (query, variables, _) in _QUERIES.items():
            answer = post(url, {"query": query, "variables": variables}, {})
            if "errors" in answer:
                raise RuntimeError(f"PostGraphile refuses {name}: {answer['errors']}")
        yield Contender("PostGraphile", url, bodies=_bodies())
    finally:
        process.terminate()
        process.wait(10)


_JSON = {"Content-Type": "application/json"}


def _install() -> None:
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "graphile.config.mjs"):
        shutil.copy(_HERE / name, _INSTALLED / name)
    if not (_INSTALLED / "node_modules" / "postgraphile").exists():
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund"], cwd=_INSTALLED, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm could not install PostGraphile: {done.stderr[-800:]}")
