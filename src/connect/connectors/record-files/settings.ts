// How a connector's settings name formats, in the words of Confluent's file connectors, or short.
import { type ConfigOf, defineConfig, oneOfTexts } from '../../api/config-def.ts';
import { AVRO_CODECS, avroContainer } from './avro-container.ts';
import { csvFiles } from './csv.ts';
import type { RecordFormat } from './format.ts';
import { jsonLines, rawBytes, textLines } from './lines.ts';
import { PARQUET_CODECS, parquetFiles } from './parquet.ts';

const S3 = 'io.confluent.connect.s3.format';

/** Which format a name means. */
const NAMES: Readonly<Record<string, FormatName>> = {
  [`${S3}.json.JsonFormat`]: 'json',
  [`${S3}.avro.AvroFormat`]: 'avro',
  [`${S3}.parquet.ParquetFormat`]: 'parquet',
  [`${S3}.bytearray.ByteArrayFormat`]: 'bytearray',
  'millrace.connect.format.CsvFormat': 'csv',
  json: 'json',
  jsonl: 'json',
  avro: 'avro',
  parquet: 'parquet',
  bytearray: 'bytearray',
  csv: 'csv',
  lines: 'lines',
};
type FormatName = 'json' | 'avro' | 'parquet' | 'bytearray' | 'csv' | 'lines';

/** The settings of formats. */
export const formatConfig = defineConfig({
  'format.class': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The format of files: JsonFormat (a value on each line), AvroFormat, ParquetFormat, ByteArrayFormat or CsvFormat; short: json, avro, parquet, bytearray, csv, lines.',
    validator: oneOfTexts(...Object.keys(NAMES)),
    recommended: Object.keys(NAMES),
  },
  'format.bytearray.extension': {
    type: 'STRING',
    default: '.bin',
    importance: 'LOW',
    doc: 'What names of files of ByteArrayFormat end with.',
  },
  'format.bytearray.separator': {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'What stands behind each record of ByteArrayFormat; without: a line feed. \\n, \\r and \\t are what they are in programs.',
    validator: (separator) => (separator === '' ? 'a separator has a character or more' : undefined),
  },
  'json.decimal.format': {
    type: 'STRING',
    default: 'BASE64',
    importance: 'LOW',
    doc: 'How JsonFormat has decimals: BASE64 (their bytes) or NUMERIC.',
    validator: oneOfTexts('BASE64', 'NUMERIC'),
  },
  'avro.codec': {
    type: 'STRING',
    default: 'null',
    importance: 'LOW',
    doc: 'How Avro files are compressed: null (not), deflate or snappy.',
    validator: oneOfTexts(...AVRO_CODECS),
  },
  'parquet.codec': {
    type: 'STRING',
    default: 'snappy',
    importance: 'LOW',
    doc: 'How Parquet files are compressed: snappy, gzip or none.',
    validator: oneOfTexts(...PARQUET_CODECS),
  },
  'connect.meta.data': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: "Whether schemas in Avro files keep what is only Connect's: names, versions, parameters, defaults.",
  },
  'enhanced.avro.schema.support': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether enums stay enums in Avro files.',
  },
});
type Config = ConfigOf<typeof formatConfig>;

/** Which format the settings mean. */
export function formatName(config: Pick<Config, 'format.class'>): FormatName {
  return NAMES[config['format.class']]!;
}

/** The format that the settings mean. */
export function formatOf(config: Config): RecordFormat {
  switch (formatName(config)) {
    case 'json':
      return jsonLines(config['json.decimal.format'] as 'BASE64' | 'NUMERIC');
    case 'avro':
      return avroContainer(config['avro.codec'] as (typeof AVRO_CODECS)[number], {
        enhanced: config['enhanced.avro.schema.support'],
        generalized: false,
        connectMetaData: config['connect.meta.data'],
        scrubNames: false,
      });
    case 'parquet':
      return parquetFiles(config['parquet.codec'] as (typeof PARQUET_CODECS)[number]);
    case 'bytearray':
      return rawBytes(config['format.bytearray.extension'], separatorOf(config['format.bytearray.separator']));
    case 'csv':
      return csvFiles();
    case 'lines':
      return textLines();
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\\\': '\\' };

function separatorOf(given: string | null): Buffer | undefined {
  if (given === null) return undefined;
  return Buffer.from(given.replace(/\\[nrt\\]/g, (escape) => ESCAPES[escape]!));
}
