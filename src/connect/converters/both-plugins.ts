// Converters whose values do not depend on topics and headers can write headers as well as keys and values: one class, two plugins.
import type { ConfigDef, ConfigOf } from '../api/config-def.ts';
import {
  type ConverterPlugin,
  converterPlugin,
  type HeaderConverterPlugin,
  headerConverterPlugin,
} from '../api/plugins.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import type { SchemaAndValue } from '../data/record.ts';
import type { Schema } from '../data/schema.ts';

/** Values to bytes and back, with no regard to topics and headers. Throws `DataError`. */
export interface Coder {
  fromConnect(schema: Schema | null, value: unknown): Uint8Array | null;
  toConnect(bytes: Buffer | null): SchemaAndValue;
}

/** The plugin for keys and values, and the one for headers, of a class. */
export function bothPlugins<const D extends ConfigDef>(
  className: string,
  config: D,
  coderOf: (settings: ConfigOf<D>) => Coder,
): readonly [ConverterPlugin<D>, HeaderConverterPlugin<D>] {
  const face = { className, version: KAFKA_VERSION, config };
  // A topic and headers, or a topic and a header's name, come before what matters.
  const create = (settings: ConfigOf<D>) => {
    const coder = coderOf(settings);
    return {
      fromConnect: (_topic: string, _beside: unknown, schema: Schema | null, value: unknown) =>
        coder.fromConnect(schema, value),
      toConnect: (_topic: string, _beside: unknown, bytes: Uint8Array | null) => coder.toConnect(asBuffer(bytes)),
    };
  };
  return [converterPlugin({ ...face, create }), headerConverterPlugin({ ...face, create })];
}

function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
