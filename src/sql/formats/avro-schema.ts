import type { AvroSchema, ResolvedSchema } from '../../serde/index.ts';
import { unreachable } from '../../util/index.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  BYTES,
  DATE,
  DOUBLE,
  decimalType,
  INTEGER,
  mapOf,
  type SqlType,
  STRING,
  structOf,
  TIME,
  TIMESTAMP,
} from '../types.ts';
import type { CodecColumn } from './codec.ts';

/** Avro schemas of rows, and the columns that a schema stands for. */

const NAMESPACE = 'io.confluent.ksql.avro_schemas';
const DEFAULT_NAME = 'KsqlDataSourceSchema';

/** The schema under which rows are written. Every field may be null. */
export function avroSchemaOf(columns: readonly CodecColumn[], bare: boolean, fullName: string | undefined): AvroSchema {
  const at = fullName?.lastIndexOf('.') ?? -1;
  const name = fullName === undefined ? DEFAULT_NAME : fullName.slice(at + 1);
  const namespace = fullName === undefined ? NAMESPACE : fullName.slice(0, Math.max(0, at));
  const only = columns[0]?.type;
  if (!bare || only === undefined) return record(name, namespace, columns);
  // A bare struct is the record itself.
  return only.kind === 'STRUCT' ? record(name, namespace, only.fields) : writtenType(only, name, namespace);
}

function record(name: string, namespace: string, columns: readonly CodecColumn[], nested = false): AvroSchema {
  const fields = columns.map((column) => ({
    name: column.name,
    type: nullable(writtenType(column.type, `${name}_${column.name}`, namespace)),
    default: null,
  }));
  const place = namespace === '' || nested ? {} : { namespace };
  return { type: 'record', name, ...place, fields, 'connect.name': namespace === '' ? name : `${namespace}.${name}` };
}

function nullable(schema: AvroSchema): AvroSchema {
  return ['null', schema];
}

function writtenType(type: SqlType, name: string, namespace: string): AvroSchema {
  switch (type.kind) {
    case 'BOOLEAN':
      return 'boolean';
    case 'INTEGER':
      return 'int';
    case 'BIGINT':
      return 'long';
    case 'DOUBLE':
      return 'double';
    case 'STRING':
      return 'string';
    case 'BYTES':
      return 'bytes';
    case 'DECIMAL':
      return { type: 'bytes', logicalType: 'decimal', precision: type.precision, scale: type.scale };
    case 'DATE':
      return { type: 'int', logicalType: 'date' };
    case 'TIME':
      return { type: 'int', logicalType: 'time-millis' };
    case 'TIMESTAMP':
      return { type: 'long', logicalType: 'timestamp-millis' };
    case 'ARRAY':
      return { type: 'array', items: nullable(writtenType(type.item, name, namespace)) };
    case 'MAP':
      return { type: 'map', values: nullable(writtenType(type.value, `${name}_MapValue`, namespace)) };
    case 'STRUCT':
      return record(name, namespace, type.fields, true);
    default:
      return unreachable(type);
  }
}

// --- reading schemas ---------------------------------------------------------------------------------------------------

type Node = Readonly<Record<string, unknown>>;

/** A schema with its named types at hand. */
export class AvroShapes {
  readonly root: AvroSchema;
  readonly #named = new Map<string, Node>();

  constructor(root: AvroSchema, references: readonly AvroSchema[] = []) {
    this.root = root;
    for (const schema of [...references, root]) this.#collect(schema, undefined);
  }

  #collect(schema: unknown, namespace: string | undefined): void {
    if (Array.isArray(schema)) {
      for (const branch of schema) this.#collect(branch, namespace);
      return;
    }
    if (typeof schema !== 'object' || schema === null) return;
    const node = schema as Node;
    const own = typeof node['namespace'] === 'string' ? node['namespace'] : namespace;
    if (typeof node['name'] === 'string' && typeof node['type'] === 'string') {
      this.#named.set(node['name'], node);
      if (own !== undefined) this.#named.set(`${own}.${node['name']}`, node);
    }
    if (Array.isArray(node['fields'])) for (const field of node['fields'] as Node[]) this.#collect(field['type'], own);
    this.#collect(node['items'], own);
    this.#collect(node['values'], own);
    if (typeof node['type'] === 'object') this.#collect(node['type'], own);
  }

  /** The node of a schema: primitives as `{type}`, names looked up, unions with one branch beside null as that branch. */
  node(schema: AvroSchema): Node {
    if (typeof schema === 'string') return this.#named.get(schema) ?? { type: schema };
    if (Array.isArray(schema)) {
      const branches = (schema as readonly AvroSchema[]).filter((branch) => branch !== 'null');
      return branches.length === 1 ? this.node(branches[0]!) : { type: 'union', branches };
    }
    const node = schema as Node;
    if (typeof node['type'] === 'object') return this.node(node['type'] as AvroSchema);
    if (typeof node['type'] === 'string' && !isStructural(node['type']) && this.#named.has(node['type']))
      return this.node(node['type']);
    return node;
  }
}

export function shapesOf({ schema, references }: ResolvedSchema): AvroShapes {
  const parse = (text: string) => JSON.parse(text) as AvroSchema;
  return new AvroShapes(
    parse(schema),
    references.map((reference) => parse(reference.schema)),
  );
}

const STRUCTURAL = new Set(['record', 'array', 'map', 'enum', 'fixed', 'union']);

function isStructural(type: string): boolean {
  return STRUCTURAL.has(type);
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly default?: unknown;
}

export function fieldsOf(node: Node): readonly AvroField[] {
  return (node['fields'] as readonly AvroField[] | undefined) ?? [];
}

/** The name of a union's branch, as a field of the struct that the union becomes. */
export function branchName(node: Node): string {
  return typeof node['name'] === 'string' ? node['name'] : String(node['type']);
}

/** True for an array of key-value records, the form of maps whose keys may be null. */
export function isEntryArray(shapes: AvroShapes, node: Node): boolean {
  if (node['type'] !== 'array') return false;
  const item = shapes.node(node['items'] as AvroSchema);
  const names = fieldsOf(item).map((field) => field.name);
  return (
    item['connect.internal.type'] === 'MapEntry' ||
    (names.join() === 'key,value' && String(item['name']).includes('MapEntry'))
  );
}

/** The SQL type of a schema; undefined for what SQL can't hold. `fold` gives field names their case. */
export function sqlTypeOf(shapes: AvroShapes, schema: AvroSchema, fold: (name: string) => string): SqlType | undefined {
  const node = shapes.node(schema);
  const logical = node['logicalType'];
  switch (node['type']) {
    case 'boolean':
      return BOOLEAN;
    case 'int':
      return logical === 'date' ? DATE : logical === 'time-millis' ? TIME : INTEGER;
    case 'long':
      return logical === 'timestamp-millis' ? TIMESTAMP : BIGINT;
    case 'float':
    case 'double':
      return DOUBLE;
    case 'string':
    case 'enum':
      return STRING;
    case 'bytes':
    case 'fixed':
      if (logical === 'decimal') return decimalType(Number(node['precision'] ?? 64), Number(node['scale'] ?? 0));
      return BYTES;
    case 'array': {
      const item = node['items'] as AvroSchema;
      if (isEntryArray(shapes, node)) {
        const [key, value] = fieldsOf(shapes.node(item)).map((field) => sqlTypeOf(shapes, field.type, fold));
        return key === undefined || value === undefined ? undefined : mapOf(key, value);
      }
      const type = sqlTypeOf(shapes, item, fold);
      return type === undefined ? undefined : arrayOf(type);
    }
    case 'map': {
      const type = sqlTypeOf(shapes, node['values'] as AvroSchema, fold);
      return type === undefined ? undefined : mapOf(STRING, type);
    }
    case 'record':
      return structOf(columnsOf(shapes, node, fold));
    case 'union': {
      const branches = (node['branches'] as readonly AvroSchema[]).flatMap((branch) => {
        const type = sqlTypeOf(shapes, branch, fold);
        return type === undefined ? [] : [{ name: fold(branchName(shapes.node(branch))), type }];
      });
      return structOf(branches);
    }
    default:
      return undefined;
  }
}

function columnsOf(shapes: AvroShapes, node: Node, fold: (name: string) => string): CodecColumn[] {
  return fieldsOf(node).flatMap((field) => {
    const type = sqlTypeOf(shapes, field.type, fold);
    return type === undefined ? [] : [{ name: fold(field.name), type }];
  });
}

/** The columns of a registered schema: a record's fields, or one column with a given name. */
export function avroColumns(schema: ResolvedSchema, bareName: string, fold: (name: string) => string): CodecColumn[] {
  const shapes = shapesOf(schema);
  const node = shapes.node(shapes.root);
  if (node['type'] === 'record') return columnsOf(shapes, node, fold);
  const type = sqlTypeOf(shapes, shapes.root, fold);
  return type === undefined ? [] : [{ name: bareName, type }];
}
