import { parseBase64 } from '../values/text-values.ts';
import { long } from '../values/bigint.ts';
import type { SqlValue } from '../values/value.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';

type Encoding = 'hex' | 'utf8' | 'ascii' | 'base64';

function encodingOf(name: string): Encoding {
  const known = name.toLowerCase();
  if (known === 'hex' || known === 'utf8' || known === 'ascii' || known === 'base64') return known;
  throw new RangeError(`Unsupported encoding: ${name}. Supported are hex, utf8, ascii and base64`);
}

function toBytes(text: string, encodingName: string): Buffer {
  const encoding = encodingOf(encodingName);
  if (encoding === 'hex') {
    const plain = /^0x/i.test(text) ? text.slice(2) : /^x'.*'$/i.test(text) ? text.slice(2, -1) : text;
    // Only a number, written with 0x, may leave out its leading zero.
    const even = /^0x/i.test(text) && plain.length % 2 === 1 ? `0${plain}` : plain;
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(even)) throw new RangeError(`'${text}' is not hexadecimal`);
    return Buffer.from(even, 'hex');
  }
  if (encoding === 'base64') {
    const bytes = parseBase64(text);
    if (bytes === undefined) throw new RangeError(`'${text}' is not base64`);
    return bytes;
  }
  if (encoding === 'ascii')
    return Buffer.from(Array.from(text, (char) => (char.charCodeAt(0) < 128 ? char.charCodeAt(0) : 63)));
  return Buffer.from(text, encoding);
}

function fromBytes(bytes: Buffer, encodingName: string): string {
  const encoding = encodingOf(encodingName);
  if (encoding === 'ascii')
    return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : '\uFFFD')).join('');
  return bytes.toString(encoding);
}

function encode(text: string, from: string, to: string): SqlValue {
  if (encodingOf(from) === encodingOf(to)) throw new RangeError('ENCODE needs two different encodings');
  return fromBytes(toBytes(text, from), to);
}

/** The bytes in big-endian order, refused when they are not as many as the type has. */
function ordered(bytes: Buffer, order: string, size: number): Buffer {
  if (bytes.length !== size)
    throw new RangeError(`Number of bytes must be equal to ${size}, but found ${bytes.length}`);
  const word = order.toUpperCase();
  if (word === 'BIG_ENDIAN') return bytes;
  if (word === 'LITTLE_ENDIAN') return Buffer.from(bytes).reverse();
  throw new RangeError(`Byte order must be BIG_ENDIAN or LITTLE_ENDIAN, not ${order}`);
}

function numberFrom(name: string, type: string, size: number, read: (bytes: Buffer) => SqlValue): ScalarFunction {
  return scalar(name, 'CONVERSIONS', `The ${type} that ${size} bytes hold.`, [
    pure(`BYTES -> ${type}`, (bytes: Buffer) => read(ordered(bytes, 'BIG_ENDIAN', size))),
    pure(`BYTES, STRING -> ${type}`, (bytes: Buffer, order: string) => read(ordered(bytes, order, size))),
  ]);
}

export const bytesFunctions: readonly ScalarFunction[] = [
  numberFrom('BIGINT_FROM_BYTES', 'BIGINT', 8, (bytes) => long(bytes.readBigInt64BE(0))),
  numberFrom('DOUBLE_FROM_BYTES', 'DOUBLE', 8, (bytes) => bytes.readDoubleBE(0)),
  numberFrom('INT_FROM_BYTES', 'INT', 4, (bytes) => bytes.readInt32BE(0)),
  scalar('ENCODE', 'STRING', 'A text from one encoding in another.', [
    pure('STRING, STRING, STRING -> STRING', encode),
  ]),
  scalar('FROM_BYTES', 'STRING', 'Bytes as text in an encoding.', [
    pure('BYTES, STRING -> STRING', (bytes: Buffer, encoding: string) => {
      const text = fromBytes(bytes, encoding);
      // Unlike ENCODE's: so it is in ksqlDB.
      return encodingOf(encoding) === 'hex' ? text.toUpperCase() : text;
    }),
  ]),
  scalar('TO_BYTES', 'STRING', 'The bytes of a text in an encoding.', [pure('STRING, STRING -> BYTES', toBytes)]),
];
