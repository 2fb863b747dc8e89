// JSON text in which integers beyond 2^53 keep their digits: they are bigints as values.
import { faultOf, messageOf, parseJson, printJson } from '../util/index.ts';
import { DeserializationError, SerializationError } from './serde.ts';

export function exactJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = printJson(value);
  } catch (error) {
    throw new SerializationError(`the value has no form in JSON: ${faultOf(error)}`, error);
  }
  if (text === undefined) throw new SerializationError(`JSON has no form for a value of type ${typeof value}`);
  return text;
}

/** `plain`: the same value with all its numbers as numbers. */
export function parseExactJson(bytes: Buffer, start: number, end: number): { value: unknown; plain: unknown } {
  try {
    const text = bytes.toString('utf8', start, end);
    const plain = JSON.parse(text) as unknown;
    return { value: LONG_NUMBER.test(text) ? parseJson(text, exactInteger) : plain, plain };
  } catch (error) {
    throw new DeserializationError(`not valid JSON: ${faultOf(error)}`, error);
  }
}

/** The value of a text that is to be written. */
export function valueOfJson(text: string): unknown {
  const bytes = Buffer.from(text);
  try {
    return parseExactJson(bytes, 0, bytes.length).value;
  } catch (error) {
    throw new SerializationError(messageOf(error), error);
  }
}

/** Only a number of so many digits can be beyond 2^53. */
const LONG_NUMBER = /\d{16}/;

function exactInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(text) ? value : BigInt(text);
}
