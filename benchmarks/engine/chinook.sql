-- A music shop of the size of the well-known Chinook sample (275 artists to 3,503 tracks), made without its data.
-- Two tracks in five are of genre 1, three of all tracks of genre 25.
create table artist (artist_id integer primary key, name text not null);
create table album (album_id integer primary key, title text not null, artist_id integer not null references artist);
create table genre (genre_id integer primary key, name text not null);
create table media_type (media_type_id integer primary key, name text not null);
create table track (
  track_id integer primary key, name text not null, album_id integer references album,
  media_type_id integer not null references media_type, genre_id integer references genre, composer text,
  milliseconds integer not null, bytes integer, unit_price numeric(10, 2) not null);
create table playlist (playlist_id integer primary key, name text not null);
create table playlist_track (
  playlist_id integer not null references playlist, track_id integer not null references track,
  primary key (playlist_id, track_id));
create table customer (
  customer_id integer primary key, first_name text not null, last_name text not null, company text, city text,
  country text, email text not null);
create table invoice (
  invoice_id integer primary key, customer_id integer not null references customer, invoice_date timestamptz not null,
  billing_city text, billing_country text, total numeric(10, 2) not null);
create table invoice_line (
  invoice_line_id integer primary key, invoice_id integer not null references invoice,
  track_id integer not null references track, unit_price numeric(10, 2) not null, quantity integer not null);
create table note (id integer primary key, title text not null, body text, rating integer not null default 0);

create function pick(text, integer) returns integer language sql immutable
  as $$ select (('x' || substr(md5($1), 1, 7))::bit(28)::integer) % $2 + 1 $$;

insert into artist select n, 'Artist ' || n || ' ' || substr(md5('a' || n), 1, 12) from generate_series(1, 275) n;
insert into album select n, 'Album ' || n || ' ' || substr(md5('b' || n), 1, 16), pick('album' || n, 275)
  from generate_series(1, 347) n;
insert into genre select n, 'Genre ' || n from generate_series(1, 25) n;
insert into media_type select n, 'Media type ' || n from generate_series(1, 5) n;
insert into track
  select n, 'Track ' || n || ' ' || substr(md5('t' || n), 1, 14), pick('ta' || n, 347), pick('tm' || n, 5),
         case when n % 1167 = 500 then 25 when pick('tf' || n, 5) <= 2 then 1 else pick('tg' || n, 24) end,
         'Composer ' || pick('tc' || n, 850), 100000 + pick('tl' || n, 300000),
         1000000 + pick('tb' || n, 9000000), 0.99
  from generate_series(1, 3503) n;
insert into playlist select n, 'Playlist ' || n from generate_series(1, 18) n;
insert into playlist_track
  select distinct pick('pp' || n, 18), pick('pt' || n, 3503) from generate_series(1, 9800) n;
insert into customer
  select n, 'First ' || n, 'Last ' || n, 'Company ' || n, 'City ' || n, 'Country ' || pick('cc' || n, 24),
         'customer' || n || '@shop.example' from generate_series(1, 59) n;
insert into invoice
  select n, pick('ic' || n, 59), timestamptz '2024-01-01 00:00+00' + n * interval '2 days', 'City ' || n,
         'Country ' || pick('ib' || n, 24), pick('it' || n, 2000) / 100.0 from generate_series(1, 412) n;
insert into invoice_line
  select n, pick('li' || n, 412), pick('lt' || n, 3503), 0.99, 1 from generate_series(1, 2240) n;
insert into note select n, 'Note ' || n, 'Body ' || n, 0 from generate_series(1, 1000) n;

create index on album (artist_id);
create index on track (album_id);
create index on track (genre_id);
create index on track (composer);
create index on genre (name);
create index on playlist_track (track_id);
create index on invoice (customer_id);
create index on invoice_line (invoice_id);
create index on invoice_line (track_id);
drop function pick(text, integer);
analyze;
