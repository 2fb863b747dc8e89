/**
 * Avro's JSON encoding, to and from payloads: what people type, and what consoles print. A value of a union stands under its
 * branch's name (`{"string": "x"}`, null alone), bytes are texts of the characters U+0000 to U+00FF, longs keep all their
 * digits. A field that is left out has its default.
 */
import {
  AvroCursor,
  type AvroNode,
  type AvroRecord,
  type AvroUnion,
  parseStoredAvro,
  typeName,
  writeAvroDefault,
  writeAvroLong,
  writeAvroText,
} from '../schemas/index.ts';
import { type ByteWriter, faultOf, messageOf, shortestFloat } from '../util/index.ts';
import { exactJson, valueOfJson } from './exact-json.ts';
import type { Codec } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { DeserializationError, SerializationError } from './serde.ts';

const INT_MAX = 2 ** 31;
const NON_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

export class AvroJsonCodec implements Codec<string> {
  readonly recordName: string | undefined;
  readonly lead = new Uint8Array();
  readonly #schema: AvroNode;

  constructor(resolved: ResolvedSchema) {
    try {
      this.#schema = parseStoredAvro(resolved);
    } catch (error) {
      throw new SerializationError(`invalid Avro schema: ${messageOf(error)}`, error);
    }
    this.recordName = 'name' in this.#schema ? typeName(this.#schema) : undefined;
  }

  encode(text: string, out: ByteWriter): void {
    const value = valueOfJson(text);
    // A value that is nothing but bytes is written without its length.
    if (this.#schema.kind === 'bytes') out.bytes(latin1(this.#schema, value, 'the value'));
    else write(this.#schema, value, out, '');
  }

  decode(bytes: Buffer, start: number, end: number): string {
    if (this.#schema.kind === 'bytes') return exactJson(bytes.toString('latin1', start, end));
    const cursor = new AvroCursor(bytes, start, end);
    try {
      const text = read(this.#schema, cursor);
      cursor.finish();
      return text;
    } catch (error) {
      throw new DeserializationError(`the bytes are not a datum of their Avro schema: ${faultOf(error)}`, error);
    }
  }
}

// ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

function misfit(value: unknown, wanted: string, place: string): SerializationError {
  const shown = typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'an array' : 'an object') : null;
  return new SerializationError(
    `${place === '' ? 'the value' : place} is ${shown ?? exactJson(value).slice(0, 50)}, not ${wanted}`,
  );
}

function write(node: AvroNode, value: unknown, out: ByteWriter, place: string): void {
  const refuse = (): never => {
    throw misfit(value, typeName(node), place);
  };
  switch (node.kind) {
    case 'null':
      return value === null ? undefined : refuse();
    case 'boolean':
      return typeof value === 'boolean' ? out.int8(value ? 1 : 0) : refuse();
    case 'int':
      if (!Number.isInteger(value) || (value as number) >= INT_MAX || (value as number) < -INT_MAX) refuse();
      return writeAvroLong(value as number, out);
    case 'long':
      return isLong(value) ? writeAvroLong(value, out) : refuse();
    case 'float':
      out.reserve(4);
      out.position = out.buffer.writeFloatLE(numberOf(value) ?? refuse(), out.position);
      return;
    case 'double':
      out.reserve(8);
      out.position = out.buffer.writeDoubleLE(numberOf(value) ?? refuse(), out.position);
      return;
    case 'string':
      return typeof value === 'string' ? writeAvroText(value, out) : refuse();
    case 'bytes': {
      const bytes = latin1(node, value, place);
      writeAvroLong(bytes.length, out);
      return out.bytes(bytes);
    }
    case 'fixed': {
      const bytes = latin1(node, value, place);
      if (bytes.length !== node.size) throw misfit(value, `the ${node.size} bytes of ${typeName(node)}`, place);
      return out.bytes(bytes);
    }
    case 'enum': {
      const at = node.symbols.indexOf(value as string);
      if (at < 0) throw misfit(value, `one of ${node.symbols.join(', ')}`, place);
      return writeAvroLong(at, out);
    }
    case 'union':
      return writeBranch(node, value, out, place);
    case 'array':
      if (!Array.isArray(value)) return refuse();
      return writeItems(value, out, (item, i) => write(node.items, item, out, `${place}[${i}]`));
    case 'map':
      if (!isObject(value)) return refuse();
      return writeItems(Object.entries(value), out, ([key, item]) => {
        writeAvroText(key, out);
        write(node.values, item, out, `${place}[${JSON.stringify(key)}]`);
      });
    default:
      return isObject(value) ? writeFields(node, value, out, place) : refuse();
  }
}

function writeItems<T>(items: readonly T[], out: ByteWriter, writeItem: (item: T, i: number) => void): void {
  if (items.length > 0) writeAvroLong(items.length, out);
  for (const [i, item] of items.entries()) writeItem(item, i);
  writeAvroLong(0, out);
}

function writeBranch(node: AvroUnion, value: unknown, out: ByteWriter, place: string): void {
  const names = node.branches.map(typeName);
  const entries = isObject(value) ? Object.entries(value) : [];
  const [name, inner] = value === null ? ['null', null] : entries.length === 1 ? entries[0]! : [undefined];
  const at = name === undefined ? -1 : names.indexOf(name);
  if (at < 0) {
    const forms = names.map((each) => (each === 'null' ? each : `{"${each}": …}`));
    throw misfit(value, `one of ${forms.join(', ')}`, place);
  }
  writeAvroLong(at, out);
  write(node.branches[at]!, inner, out, place);
}

function writeFields(node: AvroRecord, value: Readonly<Record<string, unknown>>, out: ByteWriter, place: string): void {
  const within = (name: string): string => (place === '' ? name : `${place}.${name}`);
  const unknown = Object.keys(value).find((name) => !node.fields.some((field) => field.name === name));
  if (unknown !== undefined) {
    throw new SerializationError(`${within(unknown)}: the record ${typeName(node)} has no such field`);
  }
  for (const { name, type, defaultValue } of node.fields) {
    if (Object.hasOwn(value, name)) write(type, value[name], out, within(name));
    else if (defaultValue === undefined) throw new SerializationError(`${within(name)} is missing, and has no default`);
    else writeAvroDefault(type, defaultValue, out);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLong(value: unknown): value is number | bigint {
  return Number.isSafeInteger(value) || (typeof value === 'bigint' && BigInt.asIntN(64, value) === value);
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return NON_FINITE.includes(value) ? Number(value) : undefined;
}

function latin1(node: AvroNode, value: unknown, place: string): Buffer {
  // oxlint-disable-next-line no-control-regex
  if (typeof value === 'string' && /^[\u0000-\u00ff]*$/.test(value)) return Buffer.from(value, 'latin1');
  throw misfit(value, `${typeName(node)}: a text of the characters U+0000 to U+00FF`, place);
}

// ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

function read(node: AvroNode, from: AvroCursor): string {
  switch (node.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(from.boolean());
    case 'int':
      return String(from.int());
    case 'long':
      return String(from.long());
    case 'float':
      return numberText(shortestFloat(from.float()));
    case 'double':
      return numberText(from.double());
    case 'string':
      return JSON.stringify(from.text());
    case 'bytes':
      return JSON.stringify(from.bytes().toString('latin1'));
    case 'fixed':
      return JSON.stringify(from.fixed(node.size).toString('latin1'));
    case 'enum':
      return JSON.stringify(from.oneOf(node.symbols));
    case 'union': {
      const branch = from.oneOf(node.branches);
      const inner = read(branch, from);
      return branch.kind === 'null' ? inner : `{${JSON.stringify(typeName(branch))}:${inner}}`;
    }
    case 'array': {
      const items: string[] = [];
      from.items(() => items.push(read(node.items, from)));
      return `[${items.join(',')}]`;
    }
    case 'map': {
      const entries: string[] = [];
      from.items(() => entries.push(`${JSON.stringify(from.text())}:${read(node.values, from)}`));
      return `{${entries.join(',')}}`;
    }
    default:
      return `{${node.fields.map(({ name, type }) => `${JSON.stringify(name)}:${read(type, from)}`).join(',')}}`;
  }
}

/** A number that is no integer of Avro's has a point, as the original prints it. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
