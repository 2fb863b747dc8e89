// Writing one of several messages: a name picks it from the schema that the registry has, and a schema of that message alone
// would take the others away. So the registered schema is what is written with, as soon as it has the message.
import { resolveReferences } from '../../serde/index.ts';
import { registeredFormat } from './all.ts';
import type { CodecColumn } from './codec.ts';
import type { FormatEnvironment } from './row-serde.ts';
import type { FormatInfo } from './traits.ts';

/** The format of a side of a topic, with the id of the registered schema where a name picks a message of that. */
export async function withRegisteredMessage(
  { schemas }: FormatEnvironment,
  info: FormatInfo,
  columns: readonly CodecColumn[],
  subject: string,
): Promise<FormatInfo> {
  const format = registeredFormat(info.format);
  const { fullSchemaName, schemaId } = info.properties;
  if (format === undefined || schemas === undefined || fullSchemaName === undefined || schemaId !== undefined)
    return info;
  const latest = await schemas.latest(subject);
  if (latest?.schemaType !== format.schemaType) return info;
  const resolved = await resolveReferences(schemas, latest.schema, latest.references, subject);
  let names: readonly string[] | undefined;
  try {
    names = format.fieldNames(resolved, info.properties);
  } catch {
    // The message is not there yet.
    return info;
  }
  const known = new Set(names?.map((name) => name.toUpperCase()));
  if (!columns.every(({ name }) => known.has(name.toUpperCase()))) return info;
  return { ...info, properties: { ...info.properties, schemaId: String(latest.id) } };
}
