// Where `$ref` leads. Every document (the schema itself and its references) is walked once for the ids and anchors in
// it; a reference is then looked up by its text, by its absolute URI, and within the document by pointer or anchor.
// Nothing is ever fetched: what is not among the references is an error.
import type { NamedText } from '../parsed-schema.ts';
import { textOf } from '../exact-json.ts';
import { parseJsonText } from './json-text.ts';

export type Dialect = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12';

/** A schema in its text, and what relative references in it are relative to. */
export interface Place {
  readonly raw: unknown;
  readonly base: string;
  readonly document: Document;
}

export interface Document {
  readonly root: unknown;
  readonly uri: string;
  readonly dialect: Dialect;
}

/** Documents without an id live under this; it never shows. */
const NOWHERE = 'schema://document/';
const METASCHEMA =
  /^https?:\/\/json-schema\.org\/(draft-0[0-9]|draft\/20[0-9-]+)\/(schema|meta\/[a-z-]+|hyper-schema)#?$/;
/** Members whose values are data, not schemas: an `$id` in there is nobody's name. */
const DATA_KEYWORDS = new Set(['enum', 'const', 'default', 'examples']);

export class Documents {
  readonly main: Place;
  /** Absolute URI (with the anchor, if it has one) → place. */
  readonly #places = new Map<string, Place>();
  /** The name of a reference, exactly as given → its root. */
  readonly #byName = new Map<string, Place>();

  constructor(root: unknown, references: readonly NamedText[]) {
    this.main = this.#add(root, NOWHERE, 'draft-07');
    for (const reference of references) {
      const place = this.#add(
        parseJsonText(reference.schema).value,
        withoutFragment(absolute(reference.name, this.main.base)),
        this.main.document.dialect,
      );
      this.#byName.set(reference.name, place);
    }
  }

  /** The schema that `ref` means at `from`; `any` for the published metaschemas; undefined when there is none. */
  resolve(ref: string, from: Place): Place | 'any' | undefined {
    const exact = this.#byName.get(ref);
    if (exact !== undefined) return exact;
    if (METASCHEMA.test(ref)) return 'any';
    const hash = ref.indexOf('#');
    const file = hash < 0 ? ref : ref.slice(0, hash);
    const fragment = hash < 0 ? '' : decode(ref.slice(hash + 1));
    const uri = file === '' ? from.base : absolute(file, from.base);
    const resource = file === '' ? (this.#places.get(uri) ?? from) : (this.#byName.get(file) ?? this.#places.get(uri));
    if (resource === undefined) return undefined;
    const { document } = resource;
    const documentRoot = { raw: document.root, base: document.uri, document };
    if (fragment === '') return file === '' && resource === from ? documentRoot : resource;
    if (fragment.startsWith('/')) return pointed(resource, fragment) ?? pointed(documentRoot, fragment);
    return this.#places.get(`${resource.base}#${fragment}`) ?? this.#places.get(`${document.uri}#${fragment}`);
  }

  #add(root: unknown, uri: string, defaultDialect: Dialect): Place {
    const dialect = dialectOf(root) ?? defaultDialect;
    const own = idOf(root, dialect);
    const base = own === undefined ? uri : withoutFragment(absolute(own, uri));
    const document: Document = { root, uri: base, dialect };
    const place: Place = { raw: root, base, document };
    this.#places.set(uri, place);
    this.#places.set(base, place);
    this.#index(root, base, document);
    return place;
  }

  #index(raw: unknown, base: string, document: Document): void {
    if (typeof raw !== 'object' || raw === null) return;
    if (Array.isArray(raw)) {
      for (const item of raw) this.#index(item, base, document);
      return;
    }
    const inner = baseWithin(raw, base, document.dialect);
    const place: Place = { raw, base: inner, document };
    if (inner !== base) this.#places.set(inner, place);
    const members = raw as Record<string, unknown>;
    const id = idOf(raw, document.dialect);
    const anchors = [members['$anchor'], members['$dynamicAnchor'], id?.startsWith('#') ? id.slice(1) : undefined];
    for (const anchor of anchors) if (typeof anchor === 'string') this.#places.set(`${inner}#${anchor}`, place);
    for (const [key, value] of Object.entries(members)) {
      if (!DATA_KEYWORDS.has(key)) this.#index(value, inner, document);
    }
  }
}

/** The base of relative references within a schema. */
export function baseWithin(raw: object, base: string, dialect: Dialect): string {
  const id = idOf(raw, dialect);
  return id === undefined || id.startsWith('#') ? base : withoutFragment(absolute(id, base));
}

function pointed(from: Place, pointer: string): Place | undefined {
  let { raw, base } = from;
  for (const segment of pointer.slice(1).split('/')) {
    if (typeof raw !== 'object' || raw === null) return undefined;
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!Object.hasOwn(raw, key)) {
      // What the later drafts call $defs is found under its old name, and the other way round.
      const other = key === '$defs' ? 'definitions' : key === 'definitions' ? '$defs' : undefined;
      if (other === undefined || !Object.hasOwn(raw, other)) return undefined;
      raw = (raw as Record<string, unknown>)[other];
    } else {
      raw = (raw as Record<string, unknown>)[key];
    }
    if (typeof raw === 'object' && raw !== null) base = baseWithin(raw, base, from.document.dialect);
  }
  return { raw, base, document: from.document };
}

function dialectOf(root: unknown): Dialect | undefined {
  const schema = typeof root === 'object' && root !== null ? (root as Record<string, unknown>)['$schema'] : undefined;
  const [, name] = /^https?:\/\/json-schema\.org\/(?:draft\/)?([a-z0-9-]+)\/schema#?$/.exec(textOf(schema ?? '')) ?? [];
  const dialects: readonly Dialect[] = ['draft-04', 'draft-06', 'draft-07', '2019-09', '2020-12'];
  return dialects.find((dialect) => dialect === name);
}

export function idOf(raw: unknown, dialect: Dialect): string | undefined {
  const member = dialect === 'draft-04' ? 'id' : '$id';
  const id = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>)[member] : undefined;
  return typeof id === 'string' ? id : undefined;
}

function absolute(uri: string, base: string): string {
  return URL.parse(uri, base)?.href ?? uri;
}

function withoutFragment(uri: string): string {
  return uri.replace(/#.*$/s, '');
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
