// org.apache.kafka.connect.storage.SimpleHeaderConverter: headers as texts that say their types.
import { headerConverterPlugin } from '../api/plugins.ts';
import { KAFKA_VERSION } from '../data/kafka-version.ts';
import { STRING } from '../data/schema.ts';
import { parseValueText, valueText } from '../data/value-text.ts';

/** What headers are written with unless settings say otherwise. */
export const simpleHeaderConverter = headerConverterPlugin({
  className: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
  version: KAFKA_VERSION,
  config: {},
  create: () => ({
    fromConnect: (_topic, _key, schema, value) =>
      value === null || value === undefined ? null : Buffer.from(valueText(schema, value)),
    toConnect(_topic, _key, bytes) {
      if (bytes === null) return { schema: null, value: null };
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
      return text === '' ? { schema: STRING, value: text } : parseValueText(text);
    },
  }),
});
