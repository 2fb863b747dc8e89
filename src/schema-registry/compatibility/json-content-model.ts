// What a schema says of properties and items that it does not list: anything goes (open), a schema holds for them
// (partial), or there must be none (closed).
import { type Context, createContext, runInContext } from 'node:vm';
import { invalidSchema } from '../errors.ts';
import type { ArrayNode, JsonNode, ObjectNode } from '../json-schema/node.ts';

export type Model = { readonly kind: 'open' } | { readonly kind: 'closed' } | PartialModel;

interface PartialModel {
  readonly kind: 'partial';
  readonly schema: JsonNode;
}

export function propertyModel(object: ObjectNode, name: string): Model {
  const { additional, unevaluated, patterns } = object;
  const schema =
    patterns.find(({ pattern }) => matches(pattern, name))?.node ?? additional.schema ?? unevaluated.schema;
  if (schema !== undefined) return { kind: 'partial', schema };
  return { kind: additional.allowed && unevaluated.allowed && patterns.length === 0 ? 'open' : 'closed' };
}

export function itemModel({ additional, unevaluated }: ArrayNode): Model {
  const schema = additional.schema ?? unevaluated.schema;
  if (schema !== undefined) return { kind: 'partial', schema };
  return { kind: additional.allowed && unevaluated.allowed ? 'open' : 'closed' };
}

/** A repeated group or a back reference may take exponential time; other patterns can't. */
const MAY_EXPLODE = /\)[*+{?]|\\[1-9k]/;
const MATCH_MS_MAX = 50;
let sandbox: Context | undefined;

/** Whether the pattern occurs in the name. A pattern of another regular expression dialect matches nothing. */
function matches(pattern: string, name: string): boolean {
  const regExp = compile(pattern, 'u') ?? compile(pattern, '');
  if (regExp === undefined) return false;
  if (!MAY_EXPLODE.test(pattern)) return regExp.test(name);
  try {
    const code = `new RegExp(${JSON.stringify(regExp.source)}, '${regExp.flags}').test(${JSON.stringify(name)})`;
    sandbox ??= createContext(Object.create(null));
    return runInContext(code, sandbox, { timeout: MATCH_MS_MAX }) === true;
  } catch (error) {
    throw invalidSchema(`The pattern ${pattern} takes too long to match the property name ${name}`, error);
  }
}

function compile(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}
