-- What the cases ask for; every refusal leaves it as it is.
create extension citext;
create schema other;
create extension btree_gist;

create table color (value text primary key, comment text);
insert into color values ('blue', null), ('red', null);

create table person (
  id integer primary key,
  name text not null unique,
  email citext,
  age integer constraint not_unborn check (age >= 0),
  code uuid,
  codes uuid[],
  small smallint,
  big bigint,
  ratio double precision,
  price numeric(5, 2),
  born date,
  doc jsonb,
  favorite text references color,
  room integer,
  active boolean,
  notes json,
  mail text,
  exclude using gist (room with =)
);
insert into person (id, name, email, age, code, room) values
  (1, 'Ada', 'Ada@example.org', 36, '00000000-0000-0000-0000-000000000001', 1),
  (2, 'Ben', 'BEN@example.org', 50, null, 2);

create table extra (id integer primary key, note text);
create table other.person (id integer primary key);
create table person_by_pk (id integer primary key);
create table twofold (id integer primary key, value integer);

create table pet (
  id integer primary key,
  owner_id integer not null references person,
  name varchar(5),
  keeper_id integer constraint kept_by_person references person constraint kept_in_room references extra
);
insert into pet values (1, 1, 'Rex');

create function refuse() returns trigger language plpgsql as $$
begin
  if new.name = 'again' then raise 'once more' using errcode = '40001'; end if;
  if new.name ~ '^[0-9A-Z]{5}$' then raise 'refused' using errcode = new.name; end if;
  if new.name = 'stop' then raise 'stopped' using errcode = '57014'; end if;
  if new.name = 'deep' then raise 'too deep' using errcode = '54001'; end if;
  if new.name = 'odd' then raise 'out of the ordinary'; end if;
  if new.name = 'many' then raise 'too many' using errcode = '54000'; end if;
  if new.name = 'lock' then raise 'locked' using errcode = '55P03'; end if;
  if new.name = 'hide' then perform from nowhere; end if;
  return new;
end $$;
create trigger refuse before update on pet for each row execute function refuse();

create function rename(new_name text) returns setof person language sql volatile
  as $$ update person set name = new_name where id = 1 returning * $$;

create function find(min_age integer) returns setof person language sql stable
  as $$ select * from person where age >= min_age $$;
create function odd(integer default 1, integer default 2) returns setof person language sql stable
  as $$ select * from person where id = $1 or id = $2 $$;
create function twofold(integer) returns setof person language sql stable as $$ select * from person $$;
create function twofold(text) returns setof person language sql stable as $$ select * from person $$;
create function number() returns integer language sql stable as $$ select 1 $$;
create function any_of(variadic ids integer[]) returns setof person language sql stable as $$ select * from person $$;
create function extras() returns setof extra language sql stable as $$ select * from extra $$;
create function extras_of(person) returns setof extra language sql stable as $$ select * from extra $$;
create function pair_of(person) returns record language sql stable as $$ select 1, 2 $$;
create function found(person) returns setof pet language sql stable as $$ select * from pet $$;
create function shout(p person) returns text language sql stable as $$ select upper(p.name) $$;
create function louder(p person, times integer) returns text language sql stable as $$ select repeat(p.name, times) $$;

create view divided as select 1 / (select count(*) - count(*) from color) as result;
create view slow as select 1 as id from pg_sleep(60);
