export type JsonSchema = boolean | { readonly [key: string]: unknown };

/** What a schema calls its values. */
export function titleOf(schema: JsonSchema): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  const title = schema['title'];
  return typeof title === 'string' ? title : undefined;
}
