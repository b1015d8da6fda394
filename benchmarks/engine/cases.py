"""Defines the cases: a GraphQL request and, for the floor, the statement that a person would write for it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """Describes a request to measure.

    `floor_sql` returns the answer as JSON; its parameters are the variables in order, or the JSON of the one named by
    `json_argument`. `each` holds further variables that requests use in turn, as concurrent writers of the same rows
    would only wait for each other. `target` is the target share of the floor's requests per second at 8 connections.
    """

    name: str
    query: str
    floor_sql: str
    target: float
    variables: dict[str, Any] = field(default_factory=dict)
    json_argument: str | None = None
    each: Sequence[dict[str, Any]] = ()

    @property
    def bodies(self) -> list[bytes]:
        """Returns the request bodies to send in turn."""
        return bodies(self.query, self.variables, self.each)

    def for_floor(self) -> dict[str, Any]:
        """Returns the case in the format of `benchmarks.floor`."""
        return {"query": self.query, "sql": self.floor_sql, "json_argument": self.json_argument}


EACH_ID = [{"id": number} for number in range(1, 500)]


def bodies(query: str, variables: dict[str, Any], each: Sequence[dict[str, Any]]) -> list[bytes]:
    """Returns the request body with its variables, or one body for each of the further variables."""
    several = [{**variables, **further} for further in each] or [variables]
    return [json.dumps({"query": query, "variables": item}).encode() for item in several]


_RELATION = """query ($genre: String!) {
  artist(where: {albums: {tracks: {genre: {name: {_eq: $genre}}}}}, order_by: {artist_id: asc}, limit: LIMIT) {
    artist_id name
    albums(order_by: {album_id: asc}) { title tracks(order_by: {track_id: asc}, limit: 3) { name milliseconds } }
  }
}"""

# The artists first; their albums are gathered all at once and joined by key, the few tracks of each by the index.
_RELATION_SQL = """with chosen as materialized (
    select artist_id, name from artist
    where exists (
      select 1 from album al join track t using (album_id) join genre g using (genre_id)
      where al.artist_id = artist.artist_id and g.name = $1)
    order by artist_id limit LIMIT)
  select coalesce(json_agg(r), '[]') from (
    select a.artist_id, a.name, coalesce(x.albums, '[]') as albums
    from chosen a
    left join (
      select al.artist_id, json_agg(l order by al.album_id) as albums
      from album al
        left join lateral (
          select json_agg(k) as tracks from (
            select t.name, t.milliseconds from track t where t.album_id = al.album_id order by t.track_id limit 3) k
        ) y on true
        cross join lateral (select al.title, coalesce(y.tracks, '[]') as tracks) l
      where al.artist_id in (select artist_id from chosen)
      group by al.artist_id) x using (artist_id)
    order by a.artist_id) r"""


_PLAYLISTS = """query ($genre: String!) {
  playlist(where: {playlist_tracks: {track: {genre: {name: {_eq: $genre}}}}}, order_by: {playlist_id: asc}) {
    name
    playlist_tracks(where: {track: {genre: {name: {_eq: $genre}}}}, order_by: {track_id: asc}, limit: LIMIT) {
      track { name album { title artist { name } } media_type { name } }
    }
  }
}"""

# The filter first, once for both levels; the rows of each playlist are numbered and joined all at once.
_PLAYLISTS_SQL = """with hits as (
    select pt.playlist_id, t.track_id, t.name, t.album_id, t.media_type_id,
      row_number() over (partition by pt.playlist_id order by pt.track_id) as n
    from genre g join track t on t.genre_id = g.genre_id join playlist_track pt on pt.track_id = t.track_id
    where g.name = $1),
  lists as (
    select playlist_id, json_agg(json_build_object('track', y.track) order by y.n) as playlist_tracks from (
      select h.playlist_id, h.n, (select row_to_json(x) from (
        select h.name, row_to_json(al.*) as album, row_to_json(m.*) as media_type) x) as track
      from hits h
        left join lateral (
          select a.title, row_to_json(ar.*) as artist from album a
            left join lateral (select name from artist where artist_id = a.artist_id) ar on true
          where a.album_id = h.album_id) al on true
        left join lateral (select name from media_type where media_type_id = h.media_type_id) m on true
      where h.n <= LIMIT) y
    group by playlist_id)
  select coalesce(json_agg(row_to_json(z)), '[]') from (
    select p.name, l.playlist_tracks from playlist p join lists l using (playlist_id) order by p.playlist_id) z"""


def _playlists(kind: str, genre: str, limit: int, target: float) -> Case:
    return Case(
        f"playlists, {kind} genre, {limit} each",
        _PLAYLISTS.replace("LIMIT", str(limit)),
        _PLAYLISTS_SQL.replace("LIMIT", str(limit)),
        target,
        variables={"genre": genre},
    )


def _notes(first: int) -> list[dict[str, Any]]:
    return [{"id": n, "title": f"Note {n}", "body": f"Body {n}", "rating": n} for n in range(first, first + 100)]


CASES = (
    Case(
        "list",
        "{ track(order_by: {track_id: asc}, limit: 20) { track_id name composer milliseconds } }",
        """select coalesce(json_agg(r), '[]') from (
             select track_id, name, composer, milliseconds from track order by track_id limit 20) r""",
        target=0.60,
    ),
    Case(
        "by key",
        "query ($id: Int!) { track_by_pk(track_id: $id) { track_id name composer milliseconds unit_price } }",
        """select row_to_json(r) from (
             select track_id, name, composer, milliseconds, unit_price from track where track_id = $1) r""",
        target=0.60,
        variables={"id": 1742},
        each=EACH_ID,
    ),
    Case(
        "relation filter, small",
        _RELATION.replace("LIMIT", "2"),
        _RELATION_SQL.replace("LIMIT", "2"),
        target=0.60,
        variables={"genre": "Genre 7"},
    ),
    Case(
        "relation filter, large",
        _RELATION.replace("LIMIT", "200"),
        _RELATION_SQL.replace("LIMIT", "200"),
        target=0.75,
        variables={"genre": "Genre 7"},
    ),
    *(_playlists("frequent", "Genre 1", limit, 0.80) for limit in (1, 20, 1000)),
    *(_playlists("rare", "Genre 25", limit, 0.50) for limit in (1, 20, 1000)),
    Case(
        "aggregate filter over two levels",
        """query ($many: Int!) {
             artist(where: {albums: {tracks_aggregate: {count: {predicate: {_gt: $many}}}}},
                    order_by: {artist_id: asc}) {
               name albums(order_by: {album_id: asc}) { title artist { name } } } }""",
        """select coalesce(json_agg(row_to_json(r)), '[]') from (
             select a.name, x.albums from artist a
             join (
               select al.artist_id, json_agg(json_build_object('title', al.title, 'artist',
                   json_build_object('name', ar.name)) order by al.album_id) as albums
               from album al join artist ar using (artist_id)
               where al.artist_id in (
                 select many.artist_id from album many
                 join (select album_id from track group by album_id having count(*) > $1) t using (album_id))
               group by al.artist_id) x using (artist_id)
             order by a.artist_id) r""",
        target=0.60,
        variables={"many": 14},
    ),
    Case(
        "order by a relationship's column",
        """{ track(order_by: [{album: {artist: {name: asc}}}, {track_id: asc}], limit: 20) {
             name album { title artist { name } } } }""",
        """select coalesce(json_agg(row_to_json(r)), '[]') from (
             select t.name, case when t.album_id is not null then json_build_object('title', t.title,
                 'artist', json_build_object('name', t.artist)) end as album
             from (
               select t.name, al.album_id, al.title, ar.name as artist, t.track_id
               from track t left join album al using (album_id) left join artist ar using (artist_id)
               order by ar.name nulls last, t.track_id limit 20) t
             order by t.artist nulls last, t.track_id) r""",
        target=0.60,
    ),
    Case(
        "filtered aggregate",
        """query ($min: Int!) {
             track_aggregate(where: {milliseconds: {_gte: $min}}) {
               aggregate { count avg { milliseconds } max { bytes } } } }""",
        """select row_to_json(r) from (select row_to_json(s) as aggregate from (
             select count(*) as count, json_build_object('milliseconds', avg(milliseconds)) as avg,
               json_build_object('bytes', max(bytes)) as max
             from track where milliseconds >= $1) s) r""",
        target=0.60,
        variables={"min": 200000},
    ),
    Case(
        "update by key",
        """mutation ($id: Int!, $title: String!) {
             update_note_by_pk(pk_columns: {id: $id}, _set: {title: $title}) { id title } }""",
        "update note set title = $2 where id = $1 returning json_build_object('id', id, 'title', title)",
        target=0.70,
        variables={"id": 417, "title": "Changed"},
        each=EACH_ID,
    ),
    Case(
        "upsert of 100",
        """mutation ($rows: [note_insert_input!]!) {
             insert_note(objects: $rows, on_conflict: {constraint: note_pkey, update_columns: [title, rating]}) {
               affected_rows } }""",
        """with made as (
             insert into note (id, title, body, rating)
             select id, title, body, rating
             from json_to_recordset($1::json) as x(id integer, title text, body text, rating integer)
             on conflict (id) do update set title = excluded.title, rating = excluded.rating returning 1)
           select json_build_object('affected_rows', count(*)) from made""",
        target=0.60,
        variables={"rows": _notes(10_000)},
        each=[{"rows": _notes(10_000 + 100 * number)} for number in range(300)],
        json_argument="rows",
    ),
)
