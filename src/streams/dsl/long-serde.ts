import { DeserializationError, type Serde } from '../../serde/index.ts';
import type { ByteWriter } from '../../util/index.ts';
import { readInt64 } from '../../util/index.ts';

/** Counts, in the bytes of Kafka's Long serializer. */
export const longSerde: Serde<number> = {
  name: 'KAFKA(BIGINT)',
  encode(value: number, out: ByteWriter): void {
    out.int64(value);
  },
  decode(bytes: Buffer, start: number, end: number): number {
    if (end - start !== 8) throw new DeserializationError(`a 64-bit count has 8 bytes, not ${end - start}`);
    return readInt64(bytes, start);
  },
};
