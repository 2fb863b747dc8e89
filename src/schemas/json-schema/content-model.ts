// What a schema says of properties and items that it does not list: anything goes (open), a schema holds for them
// (partial), or there must be none (closed).
import { type Context, createContext, runInContext } from 'node:vm';
import { invalidSchema } from '../errors.ts';
import type { ArrayNode, JsonNode, ObjectNode } from './node.ts';

export type Model = { readonly kind: 'open' } | { readonly kind: 'closed' } | PartialModel;

interface PartialModel {
  readonly kind: 'partial';
  readonly schema: JsonNode;
}

export function itemModel({ additional, unevaluated }: ArrayNode): Model {
  const schema = additional.schema ?? unevaluated.schema;
  if (schema !== undefined) return { kind: 'partial', schema };
  return { kind: additional.allowed && unevaluated.allowed ? 'open' : 'closed' };
}

/** Time for all patterns of a comparison: thousands of times what real ones take. */
const MATCH_MS_MAX = 1000;
/** Alternatives, repeated groups and back references may take exponential time, repetitions the name's length to their number. */
const MAY_EXPLODE = /\||\)[*+{?]|\\[1-9k]|([*+{?].*){3}/s;
const SHORT = 100;

let sandbox: Context | undefined;

/** What holds for properties that are not listed, for the properties of one comparison. */
export class PropertyModels {
  #msLeft = MATCH_MS_MAX;

  of(object: ObjectNode, name: string): Model {
    const { additional, unevaluated, patterns } = object;
    const matching = patterns.find(({ pattern }) => this.#matches(pattern, name));
    const schema = matching?.node ?? additional.schema ?? unevaluated.schema;
    if (schema !== undefined) return { kind: 'partial', schema };
    return { kind: additional.allowed && unevaluated.allowed && patterns.length === 0 ? 'open' : 'closed' };
  }

  /** Whether the pattern occurs in the name. A pattern of another regular expression dialect matches nothing. */
  #matches(pattern: string, name: string): boolean {
    const regExp = compile(pattern, 'u') ?? compile(pattern, '');
    if (regExp === undefined) return false;
    if (name.length <= SHORT && !MAY_EXPLODE.test(pattern)) return regExp.test(name);
    const begun = performance.now();
    try {
      if (this.#msLeft < 1) throw new Error('no time is left');
      const code = `new RegExp(${JSON.stringify(regExp.source)}, '${regExp.flags}').test(${JSON.stringify(name)})`;
      sandbox ??= createContext(Object.create(null));
      return runInContext(code, sandbox, { timeout: Math.ceil(this.#msLeft) }) === true;
    } catch (error) {
      throw invalidSchema(`The pattern ${pattern} takes too long to match the property name ${name}`, error);
    } finally {
      this.#msLeft -= performance.now() - begun;
    }
  }
}

function compile(pattern: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}
