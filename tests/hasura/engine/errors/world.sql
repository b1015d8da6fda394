-- What the cases ask for; every refusal leaves it as it is.
create extension citext;
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
  exclude using gist (room with =)
);
insert into person (id, name, email, age, code, room) values
  (1, 'Ada', 'Ada@example.org', 36, '00000000-0000-0000-0000-000000000001', 1),
  (2, 'Ben', 'BEN@example.org', 50, null, 2);

create table pet (
  id integer primary key,
  owner_id integer not null references person,
  name varchar(5)
);
insert into pet values (1, 1, 'Rex');

create function refuse() returns trigger language plpgsql as $$
begin
  if new.name = 'again' then raise 'once more' using errcode = '40001'; end if;
  if new.name = 'hide' then perform from nowhere; end if;
  return new;
end $$;
create trigger refuse before update on pet for each row execute function refuse();

create function rename(new_name text) returns setof person language sql volatile
  as $$ update person set name = new_name where id = 1 returning * $$;
