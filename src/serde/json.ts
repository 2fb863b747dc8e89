import { messageOf } from '../util/index.ts';
import { DeserializationError, SerializationError, type Serde } from './serde.ts';

/** Any value that JSON can hold, as UTF-8 text. `T` is the caller's promise about the shape; nothing checks it. */
// oxlint-disable-next-line typescript/no-explicit-any -- who promises nothing gets what nobody checks
export function jsonSerde<T = any>(): Serde<T> {
  return {
    name: 'JSON',
    encode(value, out) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new SerializationError(`JSON has no form for a value of type ${typeof value}`);
      out.utf8(text);
    },
    decode(bytes, start, end) {
      try {
        return JSON.parse(bytes.toString('utf8', start, end)) as T;
      } catch (error) {
        throw new DeserializationError(`not valid JSON: ${messageOf(error)}`, error);
      }
    },
  };
}
