// A schema in a file: its text, and which language it is.
import { readFileSync } from 'node:fs';
import { messageOf, MillraceError } from '../util/index.ts';
import type { Reference, SchemaBody } from './registry-client.ts';
import type { FileOptions } from './options.ts';

const TYPES = ['AVRO', 'PROTOBUF', 'JSON'];
const AVRO_TYPES = ['record', 'error', 'enum', 'fixed', 'map', 'int', 'long', 'float', 'double', 'bytes'];

/** `-` is the standard input. */
export function readSchema(file: string, options: FileOptions): SchemaBody {
  let schema: string;
  try {
    schema = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new MillraceError('FILE_UNREADABLE', `The file ${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
  const schemaType = options.type?.toUpperCase() ?? typeOf(file, schema);
  if (!TYPES.includes(schemaType)) {
    throw new MillraceError('INVALID_OPTION', `"${options.type}" is not a schema type: use ${TYPES.join(', ')}.`);
  }
  const references = options.reference.map(parseReference);
  return { schema, schemaType, ...(references.length === 0 ? {} : { references }) };
}

/** By the file's name, and where that leaves it open, by what is in it. */
export function typeOf(file: string, text: string): string {
  if (file.endsWith('.avsc')) return 'AVRO';
  if (file.endsWith('.proto')) return 'PROTOBUF';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'PROTOBUF';
  }
  if (typeof json !== 'object' || json === null) return typeof json === 'string' ? 'AVRO' : 'JSON';
  if (Array.isArray(json)) return 'AVRO';
  const { type, $schema, name } = json as Record<string, unknown>;
  if ($schema !== undefined) return 'JSON';
  return AVRO_TYPES.includes(String(type)) || (typeof name === 'string' && type !== undefined) ? 'AVRO' : 'JSON';
}

/** `name=subject:version`; a subject may have colons of its own. */
function parseReference(text: string): Reference {
  const [, name, subject, version] = /^([^=]+)=(.+):(-?\d+)$/.exec(text) ?? [];
  if (name === undefined || subject === undefined) {
    throw new MillraceError('INVALID_OPTION', `"${text}" is not a reference: write name=subject:version.`);
  }
  return { name, subject, version: Number(version) };
}
