import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from "graphql";

/** A type or a field of one, as the list of the schema shows it. */
export type Item = { id: string; name: string; of: string; type: string; description: string };

const maxFound = 100;

/** Returns types and fields whose name contains `text`, the fields of the roots first; at most a hundred. */
export function searchSchema(schema: GraphQLSchema, text: string): Item[] {
  const found: Item[] = [];
  const typed = text.trim().toLocaleLowerCase();
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const first = roots.filter((type) => type !== null && type !== undefined);
  const names = new Set(first.map(({ name }) => name));
  const others = Object.values(schema.getTypeMap()).filter(({ name }) => !names.has(name) && !name.startsWith("__"));
  for (const type of [...first, ...others]) {
    if (found.length >= maxFound) break;
    if (!names.has(type.name) && type.name.toLocaleLowerCase().includes(typed)) {
      found.push({ id: type.name, name: type.name, of: "", type: "", description: type.description ?? "" });
    }
    // Without a text only the roots are opened: what may be asked for.
    if (typed === "" && !names.has(type.name)) continue;
    for (const member of membersOf(type)) {
      if (found.length >= maxFound) break;
      if (!member.name.toLocaleLowerCase().includes(typed)) continue;
      found.push({ ...member, id: `${type.name}.${member.name}`, of: type.name });
    }
  }
  return found;
}

function membersOf(type: unknown): Omit<Item, "id" | "of">[] {
  if (isEnumType(type)) {
    return type.getValues().map(({ name, description }) => ({ name, type: "", description: description ?? "" }));
  }
  if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [];
  return Object.values(type.getFields()).map((field) => {
    const args: readonly { name: string }[] = "args" in field ? field.args : [];
    const shown = args.length > 0 ? `(${args.map(({ name }) => name).join(", ")})` : "";
    return { name: field.name, type: `${shown} ${String(field.type)}`.trim(), description: field.description ?? "" };
  });
}
