// Tags on the elements of a schema, by which the rules of a data contract find what they are about: written into the text
// of the schema itself, as the property `confluent:tags` (Avro, JSON Schema) or the option `confluent.field_meta`
// (Protobuf). An element is named by its path:
//
// * Avro: a record's full name; a field is `<full name of its record>.<field>`;
// * Protobuf: `<Message>.<Nested>` in the file's package; a field is `<message>.<field>`;
// * JSON Schema: the kinds and names from the root down, `object.address.object.street`, `object.list.array.object.x`,
//   `object.choice.oneof.0.object.y`; an object is a record, a property a field.
import {
  parseExact,
  textOf,
  type ProtoField,
  type ProtoMessage,
  type ProtoOneof,
  type ProtoOption,
  type ProtoValue,
  parseProto,
  printProto,
} from '../schemas/index.ts';
import type { SchemaType } from '../serde/index.ts';
import { invalidSchema } from './errors.ts';

export interface SchemaTags {
  readonly entityType: EntityType;
  /** Without the dot that may stand before it in requests. */
  readonly entityPath: string;
  readonly tags: readonly string[];
}

type EntityType = 'SR_RECORD' | 'SR_FIELD';
type Json = Record<string, unknown>;

/** Reads `[{schemaEntity: {entityPath, entityType}, tags}]`. */
export function readSchemaTags(json: unknown, what: string): SchemaTags[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw invalidSchema(`${what} is not a list`);
  return json.map((entry: unknown) => {
    const { schemaEntity, tags } = (entry ?? {}) as Json;
    const { entityPath, entityType } = (schemaEntity ?? {}) as Json;
    const type = textOf(entityType ?? '').toUpperCase();
    if (typeof entityPath !== 'string' || (type !== 'SR_RECORD' && type !== 'SR_FIELD')) {
      throw invalidSchema(`${what}: a schemaEntity has an entityPath, and an entityType that is SR_RECORD or SR_FIELD`);
    }
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) {
      throw invalidSchema(`${what}: the tags of ${entityPath} are not a list of texts`);
    }
    return { entityType: type, entityPath: entityPath.replace(/^\./, ''), tags };
  });
}

/** The text with these tags added, then those removed. An element that is not there is refused (42201). */
export function retagged(
  schemaType: SchemaType,
  text: string,
  add: readonly SchemaTags[],
  remove: readonly SchemaTags[],
): string {
  const wanted = new Map([...add, ...remove].map((element) => [elementKey(element), element]));
  const [added, removed] = [tagsByElement(add), tagsByElement(remove)];
  const changed = visitTags(schemaType, text, (element) => {
    const key = elementKey(element);
    if (!wanted.delete(key)) return undefined;
    const gone = new Set(removed.get(key));
    return [...new Set([...element.tags, ...(added.get(key) ?? [])])].filter((tag) => !gone.has(tag));
  });
  for (const { entityType, entityPath } of wanted.values()) {
    throw invalidSchema(
      `The schema has no ${entityType === 'SR_FIELD' ? 'field' : 'record'} '${entityPath}' to be tagged`,
    );
  }
  return changed;
}

/** The tags of `earlier` on the elements of `text` that have the same paths. */
export function withTagsOf(schemaType: SchemaType, text: string, earlier: string): string {
  const tags = new Map(tagsOf(schemaType, earlier).map((element) => [elementKey(element), element.tags]));
  return visitTags(schemaType, text, (element) => {
    const kept = tags.get(elementKey(element));
    return kept === undefined ? undefined : [...new Set([...element.tags, ...kept])];
  });
}

/** The elements that have tags. */
export function tagsOf(schemaType: SchemaType, text: string): SchemaTags[] {
  const found: SchemaTags[] = [];
  visitTags(schemaType, text, (element) => {
    if (element.tags.length > 0) found.push(element);
    return undefined;
  });
  return found;
}

/** One element may be named several times. */
function tagsByElement(list: readonly SchemaTags[]): ReadonlyMap<string, readonly string[]> {
  const byElement = new Map<string, string[]>();
  for (const element of list) {
    const key = elementKey(element);
    const tags = byElement.get(key);
    if (tags === undefined) byElement.set(key, [...element.tags]);
    else for (const tag of element.tags) tags.push(tag);
  }
  return byElement;
}

function elementKey({ entityType, entityPath }: SchemaTags): string {
  return `${entityType} ${entityPath}`;
}

/** Called for every element with the tags it has; answers those it shall have, or undefined to leave them. */
type VisitElement = (element: SchemaTags) => readonly string[] | undefined;

function visitTags(schemaType: SchemaType, text: string, visit: VisitElement): string {
  switch (schemaType) {
    case 'AVRO':
      return editedJson(text, (schema) => visitAvro(schema, '', visit));
    case 'JSON':
      return editedJson(text, (schema) => visitJsonSchema(schema, '', visit));
    case 'PROTOBUF':
      return visitProto(text, visit);
  }
}

// ── Avro and JSON Schema ──────────────────────────────────────────────────────────────────────────────────────────────

const PROPERTY = 'confluent:tags';

function editedJson(text: string, edit: (schema: unknown) => void): string {
  const schema = parseExact(text, (number) => number);
  edit(schema);
  return JSON.stringify(schema);
}

function visitElement(element: Json, entityType: EntityType, entityPath: string, visit: VisitElement): void {
  const known = Array.isArray(element[PROPERTY]) ? element[PROPERTY].map(textOf) : [];
  const tags = visit({ entityType, entityPath, tags: known });
  if (tags === undefined) return;
  if (tags.length === 0) delete element[PROPERTY];
  else element[PROPERTY] = tags;
}

function visitAvro(schema: unknown, outer: string, visit: VisitElement): void {
  if (Array.isArray(schema)) {
    for (const branch of schema) visitAvro(branch, outer, visit);
    return;
  }
  if (!isObject(schema)) return;
  const { type, name, namespace, fields } = schema;
  if (typeof type === 'object') visitAvro(type, outer, visit);
  if (type === 'array') visitAvro(schema['items'], outer, visit);
  if (type === 'map') visitAvro(schema['values'], outer, visit);
  if ((type !== 'record' && type !== 'error') || typeof name !== 'string' || !Array.isArray(fields)) return;
  const home = name.includes('.')
    ? name.slice(0, name.lastIndexOf('.'))
    : typeof namespace === 'string'
      ? namespace
      : outer;
  const simple = name.slice(name.lastIndexOf('.') + 1);
  const path = home === '' ? simple : `${home}.${simple}`;
  visitElement(schema, 'SR_RECORD', path, visit);
  for (const field of fields.filter(isObject)) {
    visitElement(field, 'SR_FIELD', `${path}.${String(field['name'])}`, visit);
    visitAvro(field['type'], home, visit);
  }
}

function visitJsonSchema(schema: unknown, prefix: string, visit: VisitElement): void {
  if (!isObject(schema)) return;
  for (const combination of ['allOf', 'anyOf', 'oneOf']) {
    const parts = schema[combination];
    if (!Array.isArray(parts)) continue;
    for (const [i, part] of parts.entries()) {
      visitJsonSchema(part, `${prefix}${combination.toLowerCase()}.${i}.`, visit);
    }
  }
  visitJsonSchema(schema['not'], `${prefix}not.`, visit);
  const { properties, items } = schema;
  if (isObject(properties)) {
    visitElement(schema, 'SR_RECORD', `${prefix}object`, visit);
    for (const [name, property] of Object.entries(properties)) {
      const path = `${prefix}object.${name}`;
      if (isObject(property)) visitElement(property, 'SR_FIELD', path, visit);
      visitJsonSchema(property, `${path}.`, visit);
    }
  }
  if (Array.isArray(items)) {
    for (const [i, item] of items.entries()) visitJsonSchema(item, `${prefix}array.${i}.`, visit);
  } else visitJsonSchema(items, `${prefix}array.`, visit);
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

// ── Protobuf ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const META_FILE = 'confluent/meta.proto';

function visitProto(text: string, visit: VisitElement): string {
  const { file } = parseProto(text);
  const messages = mapped(file.messages, (message) => visitMessage(message, '', visit));
  const isImported = messages === file.messages || file.imports.some(({ path }) => path === META_FILE);
  return printProto({ ...file, messages, imports: isImported ? file.imports : [...file.imports, { path: META_FILE }] });
}

/** The same object when nothing in it is changed. */
function visitMessage(message: ProtoMessage, prefix: string, visit: VisitElement): ProtoMessage {
  const path = `${prefix}${message.name}`;
  const visitField = (field: ProtoField): ProtoField => {
    const options = visitOptions(field.options, 'field_meta', 'SR_FIELD', `${path}.${field.name}`, visit);
    return options === field.options ? field : { ...field, options };
  };
  const visitOneof = (oneof: ProtoOneof): ProtoOneof => {
    const fields = mapped(oneof.fields, visitField);
    return fields === oneof.fields ? oneof : { ...oneof, fields };
  };
  const changed = {
    options: visitOptions(message.options, 'message_meta', 'SR_RECORD', path, visit),
    fields: mapped(message.fields, visitField),
    oneofs: mapped(message.oneofs, visitOneof),
    messages: mapped(message.messages, (inner) => visitMessage(inner, `${path}.`, visit)),
  };
  const isSame = (Object.keys(changed) as (keyof typeof changed)[]).every((part) => changed[part] === message[part]);
  return isSame ? message : { ...message, ...changed };
}

function visitOptions(
  options: readonly ProtoOption[],
  meta: 'field_meta' | 'message_meta',
  entityType: EntityType,
  entityPath: string,
  visit: VisitElement,
): readonly ProtoOption[] {
  const at = options.findIndex(
    ({ name: [part, ...rest] }) =>
      part?.extension && part.name.replace(/^\./, '') === `confluent.${meta}` && rest.length === 0,
  );
  const value = options[at]?.value;
  const fields = value?.kind === 'message' ? value.fields : [];
  const known = fields.filter(({ name }) => name === 'tags').flatMap(({ value }) => texts(value));
  const tags = visit({ entityType, entityPath, tags: known });
  if (tags === undefined) return options;
  const others = fields.filter(({ name }) => name !== 'tags');
  const values = tags.map((tag): ProtoValue => ({ kind: 'string', bytes: Buffer.from(tag).toString('latin1') }));
  const kept = tags.length === 0 ? others : [...others, { name: 'tags', value: { kind: 'list', values } as const }];
  const rest = options.filter((_, i) => i !== at);
  if (kept.length === 0) return rest;
  return [
    ...rest,
    { name: [{ name: `confluent.${meta}`, extension: true }], value: { kind: 'message', fields: kept } },
  ];
}

function texts(value: ProtoValue): string[] {
  if (value.kind === 'list') return value.values.flatMap(texts);
  return value.kind === 'string' ? [Buffer.from(value.bytes, 'latin1').toString()] : [];
}

/** The same list when nothing in it is changed. */
function mapped<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((item, i) => item === list[i]) ? list : changed;
}
