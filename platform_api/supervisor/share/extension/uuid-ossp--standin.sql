-- The functions of uuid-ossp 1.1. Those that PostgreSQL's core can do work as in uuid-ossp; each other one raises an
-- error that says what to do, when it is called: most applications create the extension for uuid_generate_v4() alone.

do $$
begin
  raise warning 'this PostgreSQL has no uuid-ossp; a stand-in has uuid_generate_v4, uuid_generate_v3 and the constants,'
    ' the other functions are refused when they are called';
end $$;

create function uuid_nil() returns uuid language sql immutable parallel safe
  return '00000000-0000-0000-0000-000000000000'::uuid;

-- RFC 9562, section 6.6.
create function uuid_ns_dns() returns uuid language sql immutable parallel safe
  return '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_url() returns uuid language sql immutable parallel safe
  return '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_oid() returns uuid language sql immutable parallel safe
  return '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_x500() returns uuid language sql immutable parallel safe
  return '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_generate_v4() returns uuid language sql volatile parallel safe
  return pg_catalog.gen_random_uuid();

-- RFC 9562, section 5.3: the MD5 of namespace and name, with version and variant in their places.
create function uuid_generate_v3(namespace uuid, name text) returns uuid
language sql immutable strict parallel safe
return (
  select encode(
    set_byte(
      set_byte(hash, 6, (get_byte(hash, 6) & 15) | 48),
      8, (get_byte(hash, 8) & 63) | 128
    ), 'hex'
  )::uuid
  from (select decode(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex')) as hashed (hash)
);

do $do$
declare
  signature text;
begin
  foreach signature in array array[
    'uuid_generate_v1() returns uuid',
    'uuid_generate_v1mc() returns uuid',
    'uuid_generate_v5(namespace uuid, name text) returns uuid'
  ] loop
    execute format(
      $create$
      create function %s language plpgsql volatile as $body$
      begin
        raise exception using
          errcode = 'feature_not_supported',
          message = %L,
          hint = 'Use uuid_generate_v4() or uuidv7(), or run the platform on a PostgreSQL that has uuid-ossp'
            ' (DATABASE_URL).';
      end $body$
      $create$,
      signature,
      format('the embedded PostgreSQL has no uuid-ossp, and so no %s()', split_part(signature, '(', 1))
    );
  end loop;
end $do$;
