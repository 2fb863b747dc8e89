// The records of mirroring's own topics, as MirrorMaker 2 writes them: structs in Kafka's protocol, texts with a length of two bytes.
import { ByteWriter } from '../../../util/index.ts';
import { DataError } from '../../data/errors.ts';

/** Which offset of the source became which of the target. */
export interface OffsetSync {
  readonly topic: string;
  readonly partition: number;
  readonly upstream: number;
  readonly downstream: number;
}

/** Where a group of the source may go on in the target. */
export interface Checkpoint {
  readonly group: string;
  /** Of the target. */
  readonly topic: string;
  readonly partition: number;
  readonly upstream: number;
  readonly downstream: number;
  readonly metadata: string;
}

const VERSION = 0;

/** Fields one behind the other. */
class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  int16(): number {
    return this.#take(2).readInt16BE();
  }
  int32(): number {
    return this.#take(4).readInt32BE();
  }
  int64(): number {
    return Number(this.#take(8).readBigInt64BE());
  }
  text(): string {
    return this.#take(this.int16()).toString();
  }
  #take(length: number): Buffer {
    if (length < 0 || this.#at + length > this.#bytes.length) throw new DataError('a record of mirroring is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

type Fields = readonly (readonly ['int16' | 'int32' | 'int64', number] | readonly ['text', string])[];

function written(fields: Fields): Buffer {
  const out = new ByteWriter();
  for (const [type, value] of fields) {
    switch (type) {
      case 'int16':
        out.int16(value);
        break;
      case 'int32':
        out.int32(value);
        break;
      case 'int64':
        out.int64(value);
        break;
      case 'text': {
        const bytes = Buffer.from(value);
        out.int16(bytes.length);
        out.bytes(bytes);
      }
    }
  }
  return out.copy();
}

export function writeSync({ topic, partition, upstream, downstream }: OffsetSync): { key: Buffer; value: Buffer } {
  return {
    key: written([
      ['text', topic],
      ['int32', partition],
    ]),
    value: written([
      ['int64', upstream],
      ['int64', downstream],
    ]),
  };
}

/** Throws `DataError`. */
export function readSync(key: Buffer, value: Buffer): OffsetSync {
  const [inKey, inValue] = [new FieldReader(key), new FieldReader(value)];
  return { topic: inKey.text(), partition: inKey.int32(), upstream: inValue.int64(), downstream: inValue.int64() };
}

export function writeCheckpoint(checkpoint: Checkpoint): { key: Buffer; value: Buffer } {
  const { group, topic, partition, upstream, downstream, metadata } = checkpoint;
  return {
    key: written([
      ['text', group],
      ['text', topic],
      ['int32', partition],
    ]),
    value: written([
      ['int16', VERSION],
      ['int64', upstream],
      ['int64', downstream],
      ['text', metadata],
    ]),
  };
}

/** Throws `DataError`. */
export function readCheckpoint(key: Buffer, value: Buffer): Checkpoint {
  const [inKey, inValue] = [new FieldReader(key), new FieldReader(value)];
  const [group, topic, partition] = [inKey.text(), inKey.text(), inKey.int32()];
  const version = inValue.int16();
  if (version !== VERSION) throw new DataError(`a checkpoint of version ${version}`);
  return { group, topic, partition, upstream: inValue.int64(), downstream: inValue.int64(), metadata: inValue.text() };
}

export function writeHeartbeat(source: string, target: string, timestamp: number): { key: Buffer; value: Buffer } {
  return {
    key: written([
      ['text', source],
      ['text', target],
    ]),
    value: written([
      ['int16', VERSION],
      ['int64', timestamp],
    ]),
  };
}
