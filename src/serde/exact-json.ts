// JSON text in which integers beyond 2^53 keep their digits: they are bigints as values.
import { faultOf } from '../util/index.ts';
import { DeserializationError, SerializationError } from './serde.ts';

/** The functions that this language's JSON has and TypeScript's library does not know yet. */
const json = JSON as typeof JSON & {
  rawJSON(text: string): unknown;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
};

export function exactJson(value: unknown): string {
  const text = stringified(value);
  if (text === undefined) throw new SerializationError(`JSON has no form for a value of type ${typeof value}`);
  return text;
}

/** JSON refuses bigints unless they are told apart, which costs: only where there are some. */
function stringified(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A bigint, or a value without a form.
  }
  try {
    return JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'bigint' ? json.rawJSON(String(part)) : part,
    );
  } catch (error) {
    throw new SerializationError(`the value has no form in JSON: ${faultOf(error)}`, error);
  }
}

/** `plain`: the same value with all its numbers as numbers. */
export function parseExactJson(bytes: Buffer, start: number, end: number): { value: unknown; plain: unknown } {
  try {
    const text = bytes.toString('utf8', start, end);
    const plain = JSON.parse(text) as unknown;
    return { value: LONG_NUMBER.test(text) ? json.parse(text, exactInteger) : plain, plain };
  } catch (error) {
    throw new DeserializationError(`not valid JSON: ${faultOf(error)}`, error);
  }
}

/** Only a number of so many digits can be beyond 2^53. */
const LONG_NUMBER = /\d{16}/;

function exactInteger(_key: string, part: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof part !== 'number' || Number.isSafeInteger(part) || source === undefined) return part;
  return /^-?\d+$/.test(source) ? BigInt(source) : part;
}
