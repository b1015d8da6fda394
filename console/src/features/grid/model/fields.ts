import { isRecord } from "@/api/graphql";

/** A field that the caller's role has, and the type of the rows that it lists, if it does. */
export type Field = { readonly name: string; readonly list: string | null };
/** The fields of tables, by the name of their type. */
export type Fields = ReadonlyMap<string, readonly Field[]>;

/** Returns the query that asks which fields of these types the caller's role has. */
export function fieldsQuery(types: readonly string[]): string {
  const type = "type { kind ofType { kind ofType { kind name ofType { kind name } } } }";
  return `{ ${types.map((name, index) => `t${index}: __type(name: "${name}") { fields { name ${type} } }`).join(" ")} }`;
}

/** Reads the answer to `fieldsQuery`. A type that the role does not have at all is left out. */
export function readFields(data: Record<string, unknown>, types: readonly string[]): Fields {
  return new Map(
    types.flatMap((name, index) => {
      const type = data[`t${index}`];
      if (!isRecord(type) || !Array.isArray(type.fields)) return [];
      const fields: unknown[] = type.fields;
      return [[name, fields.flatMap(readField)] as const];
    }),
  );
}

function readField(field: unknown): Field[] {
  return isRecord(field) && typeof field.name === "string" ? [{ name: field.name, list: listed(field.type) }] : [];
}

/** Returns the type of the objects in a list: `X` of `[X!]!`. */
function listed(type: unknown): string | null {
  const inner = withoutNonNull(type);
  if (!isRecord(inner) || inner.kind !== "LIST") return null;
  const item = withoutNonNull(inner.ofType);
  return isRecord(item) && item.kind === "OBJECT" && typeof item.name === "string" ? item.name : null;
}

function withoutNonNull(type: unknown): unknown {
  return isRecord(type) && type.kind === "NON_NULL" ? type.ofType : type;
}
