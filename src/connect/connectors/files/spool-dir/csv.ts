// SpoolDirCsvSourceConnector: the rows of CSV files as structs.
import { messageOf } from '../../../../util/index.ts';
import {
  atLeast,
  between,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  oneOfTexts,
} from '../../../api/config-def.ts';
import { type SourceTaskContext, sourcePlugin } from '../../../api/plugins.ts';
import { ConfigError, DataError } from '../../../data/errors.ts';
import { OPTIONAL_STRING, type Schema, structOf } from '../../../data/schema.ts';
import { isZone } from '../../../data/time-zones.ts';
import { simpleDateFormat } from '../../../transforms/simple-date-format.ts';
import { problemOf } from '../../problem-of.ts';
import { checkFileOffsets, type FolderReading, FolderTask, shares } from '../../file-source/index.ts';
import { csvRows, type FileBytes } from '../../record-files/index.ts';
import { only, spoolConfig, spoolProblems, spoolReading, spoolRecord } from './settings.ts';
import { spoolSchema, textReader } from './text-types.ts';
import { SPOOL_DIR_VERSION } from './texts.ts';

const character = (code: number, doc: string) =>
  ({ type: 'INT', default: code, importance: 'LOW', doc, validator: between(0, 0xffff) }) as const;

const config = defineConfig({
  ...spoolConfig,
  'csv.first.row.as.header': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the first row has the names of the fields. Without, they are in the order of value.schema.',
  },
  'csv.separator.char': character(44, 'The code of the character between fields.'),
  'csv.quote.char': character(34, 'The code of the character around fields.'),
  'csv.escape.char': character(
    34,
    'The code of the character in front of a quote within a field that stands in quotes. The quote itself, as RFC 4180 has it, unless it is set.',
  ),
  'csv.skip.lines': {
    type: 'INT',
    default: 0,
    importance: 'LOW',
    doc: 'So many lines at the beginning of files are passed over.',
    validator: atLeast(0),
  },
  'csv.ignore.leading.whitespace': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Whether spaces in front of fields do not count.',
  },
  'csv.null.field.indicator': {
    type: 'STRING',
    default: 'NEITHER',
    importance: 'LOW',
    doc: 'Which fields with nothing in them are null: EMPTY_SEPARATORS (without quotes), EMPTY_QUOTES (with quotes), BOTH, NEITHER. Of types other than STRING, all are.',
    validator: oneOfTexts('NEITHER', 'EMPTY_SEPARATORS', 'EMPTY_QUOTES', 'BOTH'),
  },
  'csv.case.sensitive.field.names': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: "Whether names in the first row must have the letters' case of the schema's.",
  },
  'schema.generation.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Whether the fields are those of the first row, and optional texts; else value.schema says them.',
  },
  'schema.generation.key.fields': {
    type: 'LIST',
    default: '',
    importance: 'MEDIUM',
    doc: 'With schema.generation.enabled: the fields that are the key.',
  },
  'schema.generation.key.name': {
    type: 'STRING',
    default: 'com.github.jcustenborder.kafka.connect.model.Key',
    importance: 'MEDIUM',
    doc: 'With schema.generation.enabled: the name of the schema of keys.',
  },
  'schema.generation.value.name': {
    type: 'STRING',
    default: 'com.github.jcustenborder.kafka.connect.model.Value',
    importance: 'MEDIUM',
    doc: 'With schema.generation.enabled: the name of the schema of values.',
  },
  'key.schema': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The schema of keys: {"name": …, "type": "STRUCT", "fieldSchemas": {"id": {"type": "INT64"}}}. Its fields are fields of the value, too.',
    validator: (text) => (text === null ? undefined : problemOf(() => spoolSchema('key.schema', text))),
  },
  'value.schema': {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    doc: 'The schema of values, in the same form.',
    validator: (text) => (text === null ? undefined : problemOf(() => spoolSchema('value.schema', text))),
  },
  'parser.timestamp.date.formats': {
    type: 'LIST',
    default: "yyyy-MM-dd'T'HH:mm:ss,yyyy-MM-dd HH:mm:ss",
    importance: 'LOW',
    doc: "How times are written, as patterns of Java's SimpleDateFormat. The first that reads a text counts.",
    validator: (formats) => problemOf(() => formats?.forEach((format) => simpleDateFormat(format))),
  },
  'parser.timestamp.timezone': {
    type: 'STRING',
    default: 'UTC',
    importance: 'LOW',
    doc: 'The time zone of timestamps.',
    validator: (zone) => (isZone(zone!) ? undefined : 'Unknown time zone'),
  },
  ...only('csv.ignore.quotations', 'false', 'quotes count'),
  ...only('csv.strict.quotes', 'false', 'what is not in quotes counts'),
  ...only('csv.keep.carriage.return', 'false', 'line ends of Windows are line ends'),
});
type Config = ConfigOf<typeof config>;

export const spoolCsv = sourcePlugin({
  className: 'com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector',
  version: SPOOL_DIR_VERSION,
  config,
  exactlyOnce: () => 'supported',
  checkOffsets: checkFileOffsets,
  validate: (given) => [...spoolProblems(given), ...schemaProblems(given)],
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => shares(raw, maxTasks) }),
  task: () => new CsvTask(),
});

function schemaProblems(given: Config): ConfigProblem[] {
  const { 'value.schema': value, 'key.schema': key } = given;
  if (given['schema.generation.enabled'] === (value !== null))
    return [{ name: 'value.schema', message: 'either value.schema or schema.generation.enabled=true is needed' }];
  if (given['schema.generation.enabled'] || key === null) return [];
  const fields = spoolSchema('value.schema', value!);
  const missing = spoolSchema('key.schema', key).fields.find(({ name }) => fields.field(name) === undefined);
  return missing === undefined
    ? []
    : [{ name: 'key.schema', message: `value.schema has no field ${missing.name}, which key.schema has` }];
}

type Row = readonly (string | null)[];

/** What rows of a file become. */
interface Shape {
  readonly key: Schema | null;
  readonly value: Schema;
  read(row: Row): Readonly<Record<string, unknown>>;
}

interface CsvRecord {
  readonly shape: Shape;
  readonly row: Row;
}

class CsvTask extends FolderTask<Config, CsvRecord> {
  protected override readingOf(given: Config, context: SourceTaskContext): FolderReading<CsvRecord> {
    // Files with the same first row have the same schema, which converters look up by identity.
    const shapes = new Map<string, Shape>();
    return {
      ...spoolReading(given),
      read: (_file, bytes) => readCsv(given, shapes, bytes),
      recordOf(file, { shape, row }, count) {
        let value: Readonly<Record<string, unknown>>;
        try {
          value = shape.read(row);
        } catch (error) {
          throw new DataError(`record ${count}: ${messageOf(error)}`, error);
        }
        const key =
          shape.key === null ? null : Object.fromEntries(shape.key.fields.map(({ name }) => [name, value[name]]));
        return {
          ...spoolRecord(given, context, file, count),
          keySchema: shape.key,
          key,
          valueSchema: shape.value,
          value,
        };
      },
    };
  }
}

async function* readCsv(given: Config, shapes: Map<string, Shape>, bytes: FileBytes): AsyncGenerator<CsvRecord> {
  const [quote, escape] = [given['csv.quote.char'], given['csv.escape.char']].map((code) => String.fromCharCode(code));
  const rows = csvRows(bytes, {
    delimiter: String.fromCharCode(given['csv.separator.char']),
    quote: quote!,
    escape: escape!,
    from_line: given['csv.skip.lines'] + 1,
    ltrim: given['csv.ignore.leading.whitespace'],
  });
  let shape: Shape | undefined;
  for await (const row of rows) {
    if (shape !== undefined) yield { shape, row };
    else {
      const header = given['csv.first.row.as.header'] ? row.map((name) => name ?? '') : undefined;
      const names = JSON.stringify(header ?? row.length);
      shape = shapes.get(names) ?? shapeOf(given, header, row.length);
      shapes.set(names, shape);
      if (header === undefined) yield { shape, row };
    }
  }
}

function shapeOf(given: Config, header: readonly string[] | undefined, width: number): Shape {
  const nulls = nullsOf(given);
  if (given['schema.generation.enabled']) {
    const names = header ?? Array.from({ length: width }, (_, i) => `column${String(i + 1).padStart(2, '0')}`);
    const value = structOf(
      names.map((name) => [name, OPTIONAL_STRING]),
      { name: given['schema.generation.value.name'] },
    );
    const read = (row: Row): Record<string, unknown> =>
      Object.fromEntries(names.map((name, i) => [name, nulls(row[i] ?? null)]));
    return { key: generatedKey(given, value), value, read };
  }
  const value = spoolSchema('value.schema', given['value.schema']!);
  const key = given['key.schema'] === null ? null : spoolSchema('key.schema', given['key.schema']);
  const form = (name: string): string => (given['csv.case.sensitive.field.names'] ? name : name.toLowerCase());
  const places = header === undefined ? undefined : new Map(header.map((name, i) => [form(name), i]));
  const times = { formats: given['parser.timestamp.date.formats'], zone: given['parser.timestamp.timezone'] };
  const fields = value.fields.map(({ name, index, schema }) => {
    const place = places === undefined ? index : places.get(form(name));
    if ((place === undefined && !schema.optional) || (place ?? 0) >= width)
      throw new DataError(`the file has no field ${name}, which value.schema has`);
    return { name, place, read: textReader(schema, times) };
  });
  return {
    key,
    value,
    read: (row) =>
      Object.fromEntries(
        fields.map(({ name, place, read }) => {
          try {
            return [name, read(place === undefined ? null : nulls(row[place] ?? null))];
          } catch (error) {
            throw new DataError(`field ${name}: ${messageOf(error)}`, error);
          }
        }),
      ),
  };
}

function generatedKey(given: Config, value: Schema): Schema | null {
  const names = given['schema.generation.key.fields'];
  if (names.length === 0) return null;
  for (const name of names)
    if (value.field(name) === undefined)
      throw new ConfigError(`the file has no field ${name}, which schema.generation.key.fields has`);
  return structOf(
    names.map((name) => [name, OPTIONAL_STRING]),
    { name: given['schema.generation.key.name'] },
  );
}

/** Which texts are null: without quotes, nothing has come as null, and within as an empty text. */
function nullsOf(given: Config): (text: string | null) => string | null {
  const indicator = given['csv.null.field.indicator'];
  const [bare, quoted] = [
    indicator === 'EMPTY_SEPARATORS' || indicator === 'BOTH',
    indicator === 'EMPTY_QUOTES' || indicator === 'BOTH',
  ];
  return (text) => {
    if (text === null) return bare ? null : '';
    return text === '' && quoted ? null : text;
  };
}
