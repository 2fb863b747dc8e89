// How `consume` writes records: their values, a table, JSON, CSV, kcat's JSON, or a format of one's own.
import type { Admin, Header } from '../../client/index.ts';
import { cellText, csvLine } from '../table.ts';
import { cutToWidth, padEndTo, padStartTo } from '../text-width.ts';
import { type Decoded, textOf } from './decoding.ts';
import type { CommandIo } from './io.ts';
import { usage } from './options.ts';
import { jsonLine } from './output.ts';
import { parseFormat, type ShownRecord } from './record-format.ts';

export const RECORD_OUTPUTS = ['value', 'table', 'json', 'jsonl', 'csv'] as const;
export type RecordOutput = (typeof RECORD_OUTPUTS)[number];

export interface RecordOutputOptions {
  readonly output: RecordOutput;
  readonly format?: string;
  readonly kcatJson?: boolean;
  readonly nullAsText?: boolean;
}

export interface RecordPrinter {
  print(shown: ShownRecord): void | Promise<void>;
  /** What stands behind the last record. */
  end(): void;
}

export function printerOf(io: CommandIo, options: RecordOutputOptions, admin: Admin): RecordPrinter {
  const { output, format, kcatJson = false, nullAsText = false } = options;
  if (format !== undefined && kcatJson) throw usage('--format and -J exclude each other.');
  if (format !== undefined) {
    const formatted = parseFormat(format, nullAsText ? 'NULL' : '');
    return { print: (shown) => io.out(formatted(shown)), end: () => {} };
  }
  if (kcatJson) return kcatPrinter(io, admin);
  switch (output) {
    case 'value':
      return { print: ({ value }) => io.out(`${textOf(value.value)}\n`), end: () => {} };
    case 'jsonl':
      return { print: (shown) => io.out(jsonLine(jsonOf(shown))), end: () => {} };
    case 'json':
      return arrayPrinter(io);
    case 'csv':
      return linesPrinter(io, `${csvLine(CSV)}\n`, (shown) => `${csvLine(csvOf(shown))}\n`);
    case 'table':
      return linesPrinter(io, tableLine(io, ['PARTITION', 'OFFSET', 'TIMESTAMP', 'KEY', 'VALUE']), (shown) => {
        const { partition, offset, timestamp } = shown.record;
        return tableLine(io, [partition, offset, timeText(timestamp), shown.key.value, shown.value.value]);
      });
  }
}

/** Records come one by one, so columns have widths of their own; the last one has what is left of the terminal. */
const WIDTHS = [9, 10, 24, 16, 0];
const TO_THE_RIGHT = [true, true];

function tableLine({ width }: CommandIo, cells: readonly unknown[]): string {
  const padded = cells.map((cell, i) => {
    const text = cellText(cell);
    return TO_THE_RIGHT[i] === true ? padStartTo(text, WIDTHS[i]!) : padEndTo(text, WIDTHS[i]!);
  });
  return `${cutToWidth(padded.join('  '), width)}\n`;
}

function timeText(timestamp: number): string | null {
  return timestamp < 0 ? null : new Date(timestamp).toISOString();
}

/** A heading, also above nothing, and a line per record. */
function linesPrinter(io: CommandIo, heading: string, line: (shown: ShownRecord) => string): RecordPrinter {
  io.out(heading);
  return { print: (shown) => io.out(line(shown)), end: () => {} };
}

/** One list, which is whole when the command has ended. */
function arrayPrinter(io: CommandIo): RecordPrinter {
  let isFirst = true;
  return {
    print(shown) {
      const text = JSON.stringify(jsonOf(shown), null, 2).replaceAll('\n', '\n  ');
      io.out(`${isFirst ? '[' : ','}\n  ${text}`);
      isFirst = false;
    },
    end: () => io.out(isFirst ? '[]\n' : '\n]\n'),
  };
}

/** What `produce --input records` reads. Headers are a list: their names may come more than once. */
function jsonOf({ record, key, value }: ShownRecord): object {
  const { topic, partition, offset, timestamp, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key.value,
    value: value.value,
    headers: headers.map((header) => ({ name: header.key, value: headerText(header) })),
  };
}

function headerText({ value }: Header): string | null {
  return value === null ? null : Buffer.from(value).toString();
}

const CSV = ['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers'];

function csvOf({ record, key, value }: ShownRecord): (string | null)[] {
  const { topic, partition, offset, timestamp, headers } = record;
  const text = (decoded: Decoded): string | null => (decoded.value === null ? null : textOf(decoded.value));
  const pairs = headers.map((header) => `${header.key}=${headerText(header) ?? ''}`).join(',');
  return [topic, String(partition), String(offset), String(timestamp), text(key), text(value), pairs || null];
}

/** The object of `kcat -J`: headers in one list, texts as they are, what a schema or a format describes as JSON. */
function kcatPrinter(io: CommandIo, admin: Admin): RecordPrinter {
  const facts = new Map<string, Promise<{ readonly tstype: string; readonly leaders: ReadonlyMap<number, number> }>>();
  const ask = async (topic: string) => {
    const [configs, topics] = await Promise.all([admin.topicConfigs(topic), admin.describeTopics([topic])]);
    const type = configs.find(({ name }) => name === 'message.timestamp.type')?.value;
    return {
      tstype: type === 'LogAppendTime' ? 'logappend' : 'create',
      leaders: new Map(topics.get(topic)?.partitions.map(({ partition, leader }) => [partition, leader])),
    };
  };
  const content = ({ value, bytes, isTranslated }: Decoded): unknown =>
    bytes === null || isTranslated ? value : bytes.toString();
  return {
    async print({ record, key, value }) {
      const { topic, partition, offset, timestamp, headers } = record;
      const known = facts.get(topic) ?? ask(topic);
      facts.set(topic, known);
      const { tstype, leaders } = await known;
      io.out(
        jsonLine({
          topic,
          partition,
          offset,
          tstype,
          ts: timestamp,
          broker: leaders.get(partition) ?? -1,
          ...(headers.length === 0 ? {} : { headers: headers.flatMap((header) => [header.key, headerText(header)]) }),
          key: content(key),
          payload: content(value),
        }),
      );
    },
    end: () => {},
  };
}
