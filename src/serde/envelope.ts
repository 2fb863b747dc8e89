// What stands before the payload of a value with a registered schema, byte by byte.
import type { ByteWriter } from '../util/index.ts';
import { DeserializationError } from './serde.ts';

const MAGIC_BYTE = 0;
const GUID_MAGIC_BYTE = 1;
const GUID_BYTES = 16;
/** Bytes before the payload: the magic byte and the schema's id (int32). */
export const ENVELOPE_BYTES = 5;

/** Writes the magic byte and the schema id; the payload follows. */
export function writeEnvelope(schemaId: number, out: ByteWriter): void {
  out.int8(MAGIC_BYTE);
  out.int32(schemaId);
}

/** Checks the envelope at `start` and returns the schema id; the payload begins `ENVELOPE_BYTES` later. */
export function readEnvelope(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < ENVELOPE_BYTES) {
    throw new DeserializationError(
      `${end - start} bytes are too short for a schema id; was this written without a registry?`,
    );
  }
  if (bytes[start] !== MAGIC_BYTE) {
    throw new DeserializationError(`the first byte is ${bytes[start]}, not 0: this was written without a registry`);
  }
  return (bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!;
}

/** The value of a schema header: 01, the GUID, and what the format adds. */
export function guidHeader(guid: string, lead: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(GUID_MAGIC_BYTE), Buffer.from(guid.replaceAll('-', ''), 'hex'), lead]);
}

/** A schema header's schema, and what the format added to it. */
export function readSchemaHeader(header: Uint8Array): { schema: number | string; lead: Uint8Array } {
  if (header[0] === MAGIC_BYTE) {
    return { schema: readEnvelope(header, 0, header.length), lead: header.subarray(ENVELOPE_BYTES) };
  }
  const end = 1 + GUID_BYTES;
  if (header[0] !== GUID_MAGIC_BYTE || header.length < end) {
    throw new DeserializationError('a schema header holds neither a schema id nor a GUID');
  }
  const guid = formatGuid(Buffer.from(header.subarray(1, end)).toString('hex'));
  return { schema: guid, lead: header.subarray(end) };
}

/** 32 hexadecimal digits as a UUID is written. */
export function formatGuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** More levels than any schema has; what claims more is not a Protobuf record. */
const MAX_INDEXES = 100;

/**
 * Which message of its .proto file a Protobuf payload is: the message's index among the file's, then among those in that
 * message, and so on, as zig-zag varints behind their count. The path of the first message, [0], is one zero byte.
 */
export function writeMessageIndexes(path: readonly number[], out: ByteWriter): void {
  if (path.length === 1 && path[0] === 0) {
    out.int8(0);
    return;
  }
  out.varint(path.length);
  for (const index of path) out.varint(index);
}

/** Reads message indexes in the short and the long form. `end`: where the payload begins. */
export function readMessageIndexes(bytes: Uint8Array, start: number, end: number): { path: number[]; end: number } {
  let at = start;
  const zigzag = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) break;
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new DeserializationError('the message indexes of a Protobuf record are broken');
  };
  const count = zigzag();
  if (count === 0) return { path: [0], end: at };
  if (count < 0 || count > MAX_INDEXES) {
    throw new DeserializationError(`a Protobuf record can't be ${count} messages deep in its file`);
  }
  const path = Array.from({ length: count }, zigzag);
  return { path, end: at };
}
