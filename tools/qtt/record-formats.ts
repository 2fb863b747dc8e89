import { MillraceError } from '../../src/util/index.ts';
import { type FormatInfo, isUnwrapped } from '../../src/sql/formats/traits.ts';
import type { Column } from '../../src/sql/schema.ts';
import { type Actual, integer } from './compare.ts';
import { protoText } from '../../src/sql/formats/protobuf-rows.ts';
import { protobufFormat } from './protobuf-format.ts';
import { avroFormat, type CaseRegistry, jsonSchemaFormat } from './registry-formats.ts';
import { isObject, parseSpec, printSpec, type Spec, SpecNumber } from './spec-json.ts';

/**
 * Case files' values to bytes and back. Written apart from the engine's own serdes, so that a mistake there can't hide
 * behind the same mistake here.
 */
export interface RecordFormat {
  /** True when a single value is read back as a message of one field, for which the case may give the value alone. */
  readonly wrapsSingle?: boolean;
  encode(spec: Spec): Buffer | null;
  decode(bytes: Buffer | null): Actual;
}

export class UnsupportedFormat extends MillraceError {
  constructor(format: string) {
    super('QTT_FORMAT', `the runner does not know the format ${format}`);
  }
}

export interface FormatContext {
  readonly registry: CaseRegistry;
  readonly subject: string;
  readonly exactNumbers: boolean;
}

export function recordFormat(info: FormatInfo, columns: readonly Column[], context: FormatContext): RecordFormat {
  const { registry, subject, exactNumbers } = context;
  switch (info.format) {
    case 'JSON':
      return json(exactNumbers);
    case 'DELIMITED':
      return text;
    case 'KAFKA':
      return kafka(columns);
    case 'NONE':
      return { encode: () => null, decode: (bytes) => (bytes === null ? null : bytes.toString('utf8')) };
    case 'AVRO':
      return columns.length === 0 ? text : avroFormat(registry, subject);
    case 'JSON_SR':
      return columns.length === 0 ? text : jsonSchemaFormat(registry, subject);
    case 'PROTOBUF':
    case 'PROTOBUF_NOSR': {
      if (columns.length === 0) return text;
      const key = subject.endsWith('-key');
      const bare = key ? columns.length === 1 && columns[0]!.type.kind !== 'STRUCT' : isUnwrapped(info, columns.length);
      if (info.format === 'PROTOBUF')
        return protobufFormat({ registry, subject, message: info.properties['fullSchemaName'] }, bare);
      return protobufFormat(
        { text: protoText({ columns, bare: key && columns.length === 1, properties: info.properties }) },
        bare,
      );
    }
    default:
      throw new UnsupportedFormat(info.format);
  }
}

const text: RecordFormat = {
  encode: (spec) => (spec === null ? null : Buffer.from(typeof spec === 'string' ? spec : printSpec(spec))),
  decode: (bytes) => (bytes === null ? null : bytes.toString('utf8')),
};

function json(exactNumbers: boolean): RecordFormat {
  return {
    encode: (spec) => (spec === null ? null : Buffer.from(printSpec(spec, true))),
    decode: (bytes) => (bytes === null ? null : actualOf(parseSpec(bytes.toString('utf8')), exactNumbers)),
  };
}

function actualOf(spec: Spec, exactNumbers: boolean): Actual {
  if (spec instanceof SpecNumber) {
    if (spec.isInteger) return integer(BigInt(spec.text));
    return exactNumbers ? { kind: 'decimal', text: spec.text } : { kind: 'double', value: Number(spec.text) };
  }
  if (Array.isArray(spec)) return spec.map((item) => actualOf(item, exactNumbers));
  if (isObject(spec)) return new Map(Object.entries(spec).map(([name, item]) => [name, actualOf(item, exactNumbers)]));
  return spec;
}

function kafka(columns: readonly Column[]): RecordFormat {
  const [column] = columns;
  if (column === undefined) return text;
  const number = (spec: Spec): number => {
    if (spec instanceof SpecNumber) return Number(spec.text);
    throw new MillraceError('QTT_VALUE', `${printSpec(spec)} is no number`);
  };
  const fixed = (
    size: number,
    write: (buffer: Buffer, spec: Spec) => void,
    read: (bytes: Buffer) => Actual,
  ): RecordFormat => ({
    encode(spec) {
      if (spec === null) return null;
      const buffer = Buffer.alloc(size);
      write(buffer, spec);
      return buffer;
    },
    decode: (bytes) => (bytes === null ? null : read(bytes)),
  });
  switch (column.type.kind) {
    case 'INTEGER':
      return fixed(
        4,
        (buffer, spec) => buffer.writeInt32BE(number(spec)),
        (bytes) => integer(bytes.readInt32BE(0), 32),
      );
    case 'BIGINT':
      return fixed(
        8,
        (buffer, spec) =>
          buffer.writeBigInt64BE(
            spec instanceof SpecNumber && spec.isInteger ? BigInt(spec.text) : BigInt(number(spec)),
          ),
        (bytes) => integer(bytes.readBigInt64BE(0)),
      );
    case 'DOUBLE':
      return fixed(
        8,
        (buffer, spec) => buffer.writeDoubleBE(number(spec)),
        (bytes) => ({ kind: 'decimal', text: javaDouble(bytes.readDoubleBE(0)) }),
      );
    default:
      return text;
  }
}

function javaDouble(value: number): string {
  const plain = String(value);
  if (/[.eIN]/.test(plain)) return plain;
  return `${plain}.0`;
}
