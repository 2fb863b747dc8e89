// org.apache.kafka.connect.storage.StringConverter: values as their texts.
import { type ConfigOf, defineConfig } from '../api/config-def.ts';
import { ConfigError, DataError } from '../data/errors.ts';
import { javaText } from '../data/java-text.ts';
import { OPTIONAL_STRING } from '../data/schema.ts';
import { bothPlugins, type Coder } from './both-plugins.ts';

/** Java's names of the encodings that texts can be written in. */
const ENCODINGS: Readonly<Record<string, BufferEncoding>> = {
  'UTF-8': 'utf8',
  UTF8: 'utf8',
  'UTF-16LE': 'utf16le',
  'ISO-8859-1': 'latin1',
  ISO8859_1: 'latin1',
  LATIN1: 'latin1',
};

const config = defineConfig({
  'converter.encoding': {
    type: 'STRING',
    default: 'UTF-8',
    importance: 'HIGH',
    doc: 'The encoding of texts: UTF-8, UTF-16LE or ISO-8859-1.',
    validator: (value) =>
      value !== null && Object.hasOwn(ENCODINGS, value.toUpperCase())
        ? undefined
        : 'Unsupported encoding; use one of UTF-8, UTF-16LE, ISO-8859-1',
    width: 'MEDIUM',
    displayName: 'Encoding',
  },
});

function stringCoder(settings: ConfigOf<typeof config>): Coder {
  const name = settings['converter.encoding'];
  const encoding = ENCODINGS[name.toUpperCase()];
  if (encoding === undefined) throw new ConfigError(`Unsupported encoding ${name}`);
  return {
    fromConnect(schema, value) {
      if (value === null || value === undefined) return null;
      const text = javaText(schema, value);
      if (encoding === 'latin1' && /[^\0-\xff]/.test(text))
        throw new DataError(
          `Failed to serialize to a string: ${name} does not have all characters of "${text.slice(0, 40)}"`,
        );
      return Buffer.from(text, encoding);
    },
    toConnect: (bytes) => ({ schema: OPTIONAL_STRING, value: bytes === null ? null : bytes.toString(encoding) }),
  };
}

/** Texts. */
export const stringConverters = bothPlugins('org.apache.kafka.connect.storage.StringConverter', config, stringCoder);
