-- The functions of pgcrypto 1.4. Those that PostgreSQL's core can do work as in pgcrypto; each other one raises an error
-- that says what to do, when it is called: most applications create the extension for gen_random_uuid() alone.

do $$
begin
  raise warning 'this PostgreSQL has no pgcrypto; a stand-in has gen_random_uuid, gen_random_bytes, and digest and hmac'
    ' with md5 and sha2, the other functions are refused when they are called';
end $$;

create function gen_random_uuid() returns uuid language sql volatile parallel safe
  return pg_catalog.gen_random_uuid();

create function gen_random_bytes(length integer) returns bytea language plpgsql volatile strict parallel safe as $$
declare
  found bytea := '';
begin
  if length not between 1 and 1024 then
    raise exception 'Length not in range' using errcode = 'invalid_parameter_value';
  end if;
  while pg_catalog.length(found) < length loop
    -- Five UUIDs hold 610 random bits, more than the hash has.
    found := found || sha512(convert_to(
      concat(pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(),
        pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid()), 'UTF8'));
  end loop;
  return substring(found for length);
end $$;

create function digest(data bytea, type text) returns bytea language plpgsql immutable strict parallel safe as $$
begin
  case lower(type)
    when 'md5' then return decode(md5(data), 'hex');
    when 'sha224' then return sha224(data);
    when 'sha256' then return sha256(data);
    when 'sha384' then return sha384(data);
    when 'sha512' then return sha512(data);
    when 'sha1' then
      raise exception 'the embedded PostgreSQL has no pgcrypto, and so no sha1'
        using errcode = 'feature_not_supported',
        hint = 'Use sha256, or run the platform on a PostgreSQL that has pgcrypto (DATABASE_URL).';
    else
      raise exception 'Cannot use "%": No such hash algorithm', type using errcode = 'invalid_parameter_value';
  end case;
end $$;

create function digest(data text, type text) returns bytea language sql immutable strict parallel safe
  return @extschema@.digest(convert_to(data, 'UTF8'), type);

-- RFC 2104.
create function hmac(data bytea, key bytea, type text) returns bytea
language plpgsql immutable strict parallel safe as $$
declare
  block integer := case when lower(type) in ('sha384', 'sha512') then 128 else 64 end;
  padded bytea := case when length(key) > block then @extschema@.digest(key, type) else key end;
  inner_key bytea;
  outer_key bytea;
begin
  padded := padded || decode(repeat('00', block - length(padded)), 'hex');
  inner_key := padded;
  outer_key := padded;
  for place in 0 .. block - 1 loop
    inner_key := set_byte(inner_key, place, get_byte(padded, place) # 54);
    outer_key := set_byte(outer_key, place, get_byte(padded, place) # 92);
  end loop;
  return @extschema@.digest(outer_key || @extschema@.digest(inner_key || data, type), type);
end $$;

create function hmac(data text, key text, type text) returns bytea language sql immutable strict parallel safe
  return @extschema@.hmac(convert_to(data, 'UTF8'), convert_to(key, 'UTF8'), type);

do $do$
declare
  signature text;
begin
  foreach signature in array array[
    'crypt(text, text) returns text',
    'gen_salt(text) returns text',
    'gen_salt(text, integer) returns text',
    'encrypt(bytea, bytea, text) returns bytea',
    'decrypt(bytea, bytea, text) returns bytea',
    'encrypt_iv(bytea, bytea, bytea, text) returns bytea',
    'decrypt_iv(bytea, bytea, bytea, text) returns bytea',
    'pgp_sym_encrypt(text, text) returns bytea',
    'pgp_sym_encrypt(text, text, text) returns bytea',
    'pgp_sym_encrypt_bytea(bytea, text) returns bytea',
    'pgp_sym_encrypt_bytea(bytea, text, text) returns bytea',
    'pgp_sym_decrypt(bytea, text) returns text',
    'pgp_sym_decrypt(bytea, text, text) returns text',
    'pgp_sym_decrypt_bytea(bytea, text) returns bytea',
    'pgp_sym_decrypt_bytea(bytea, text, text) returns bytea',
    'pgp_pub_encrypt(text, bytea) returns bytea',
    'pgp_pub_encrypt(text, bytea, text) returns bytea',
    'pgp_pub_encrypt_bytea(bytea, bytea) returns bytea',
    'pgp_pub_encrypt_bytea(bytea, bytea, text) returns bytea',
    'pgp_pub_decrypt(bytea, bytea) returns text',
    'pgp_pub_decrypt(bytea, bytea, text) returns text',
    'pgp_pub_decrypt(bytea, bytea, text, text) returns text',
    'pgp_pub_decrypt_bytea(bytea, bytea) returns bytea',
    'pgp_pub_decrypt_bytea(bytea, bytea, text) returns bytea',
    'pgp_pub_decrypt_bytea(bytea, bytea, text, text) returns bytea',
    'pgp_key_id(bytea) returns text',
    'armor(bytea) returns text',
    'armor(bytea, text[], text[]) returns text',
    'dearmor(text) returns bytea',
    'pgp_armor_headers(text, out key text, out value text) returns setof record',
    'fips_mode() returns boolean'
  ] loop
    execute format(
      $create$
      create function %s language plpgsql volatile as $body$
      begin
        raise exception using
          errcode = 'feature_not_supported',
          message = %L,
          hint = 'Run the platform on a PostgreSQL that has pgcrypto (DATABASE_URL), or do this in a script.'
            ' gen_random_uuid, gen_random_bytes, and digest and hmac with md5 and sha2 are here.';
      end $body$
      $create$,
      signature,
      format('the embedded PostgreSQL has no pgcrypto, and so no %s()', split_part(signature, '(', 1))
    );
  end loop;
end $do$;
