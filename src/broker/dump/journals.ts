// The records of the coordinators' topics as JSON, in the form in which Kafka's tools print them.
import { ByteReader, type Codec, type Field } from '../../protocol/index.ts';
import { MillraceError } from '../../util/index.ts';
import { CONSUMER_GROUP_LAYOUTS } from '../groups/consumer-records.ts';
import { assignment, LAST_EMBEDDED_VERSION, subscription } from '../groups/embedded-protocol.ts';
import {
  GROUP_KEY,
  GROUP_VALUE,
  groupKey,
  groupValue,
  OFFSET_KEY,
  OFFSET_VALUE,
  offsetKey,
  offsetValue,
} from '../groups/journal-records.ts';
import type { RecordLayout } from '../groups/record-kind.ts';
import { SHARE_GROUP_LAYOUTS } from '../groups/share-records.ts';
import { STREAMS_GROUP_LAYOUTS } from '../groups/streams-records.ts';
import { SHARE_STATE_LAYOUTS } from '../share/share-records.ts';
import { FIRST_FLEXIBLE_VALUE, journalKey, journalValue } from '../transactions/transaction.ts';

export type Journal = 'offsets' | 'transactions' | 'shares';

/** By the version of the key, which says what a record is about. */
const LAYOUTS: Readonly<Record<Journal, Readonly<Record<number, RecordLayout>>>> = {
  offsets: {
    0: { key: offsetKey, value: offsetValue, lastValueVersion: OFFSET_VALUE, flexibleFrom: Infinity },
    [OFFSET_KEY]: { key: offsetKey, value: offsetValue, lastValueVersion: OFFSET_VALUE, flexibleFrom: Infinity },
    [GROUP_KEY]: { key: groupKey, value: groupValue, lastValueVersion: GROUP_VALUE, flexibleFrom: Infinity },
    ...CONSUMER_GROUP_LAYOUTS,
    ...SHARE_GROUP_LAYOUTS,
    ...STREAMS_GROUP_LAYOUTS,
  },
  transactions: {
    0: { key: journalKey, value: journalValue, lastValueVersion: 1, flexibleFrom: FIRST_FLEXIBLE_VALUE },
  },
  shares: SHARE_STATE_LAYOUTS,
};

/**
 * Key and value of a record as JSON. A key of a kind that is not known, or bytes that are not what they say, throw
 * MALFORMED_MESSAGE or UNSUPPORTED_VERSION.
 */
export function journalEntry(
  journal: Journal,
  key: Buffer | null,
  value: Buffer | null,
): { readonly key: string; readonly value: string } {
  if (key === null) throw new MillraceError('MALFORMED_MESSAGE', 'The record has no key.');
  if (key.length < 2) throw new MillraceError('MALFORMED_MESSAGE', "Could not read version from key's buffer.");
  const type = key.readInt16BE(0);
  const layout = LAYOUTS[journal][type];
  if (layout === undefined) throw new MillraceError('UNSUPPORTED_VERSION', `Unknown record type ${type}.`);
  const data = decoded(layout.key, type, false, key.subarray(2));
  return {
    key: JSON.stringify({ type: String(type), data }),
    value: value === null ? '<DELETE>' : valueText(layout, value),
  };
}

function valueText({ value: schema, lastValueVersion, flexibleFrom }: RecordLayout, value: Buffer): string {
  if (value.length < 2) throw new MillraceError('MALFORMED_MESSAGE', "Could not read version from value's buffer.");
  const version = value.readInt16BE(0);
  if (version < 0 || version > lastValueVersion) {
    throw new MillraceError('UNSUPPORTED_VERSION', `Unknown version ${version} of the value.`);
  }
  const data = decoded(schema, version, version >= flexibleFrom, value.subarray(2));
  if (schema === (groupValue as Field<unknown>) && data['protocolType'] === 'consumer') {
    for (const member of data['members'] as Record<string, unknown>[]) {
      member['subscription'] = versioned(subscription, LAST_EMBEDDED_VERSION, member['subscription']);
      member['assignment'] = versioned(assignment, LAST_EMBEDDED_VERSION, member['assignment']);
    }
  }
  return JSON.stringify({ version: String(version), data });
}

/** Bytes that begin with their version, which is not printed. Versions that are newer begin as those that are known. */
function versioned(schema: Field<unknown>, last: number, base64: unknown): unknown {
  const raw = Buffer.from(String(base64), 'base64');
  if (raw.length < 2) return {};
  const version = new ByteReader(raw).int16();
  return decoded(schema, Math.min(version, last), false, raw.subarray(2));
}

function decoded(schema: Field<unknown>, version: number, isFlexible: boolean, raw: Buffer): Record<string, unknown> {
  const codec = schema.compile(version, isFlexible) as Codec<unknown>;
  return printed(schema, version, codec.read(new ByteReader(raw))) as Record<string, unknown>;
}

/** Only what the version has; bytes as base64; what lives in tags only where it was set. */
function printed(field: Field<unknown>, version: number, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const { element, fields } = field.kind;
  if (Array.isArray(value) && element !== undefined) return value.map((each) => printed(element, version, each));
  if (value === null || fields === undefined) return value;
  const given = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name, each]) => each.isIn(version) && (each.options.tag < 0 || !each.isDefault(given[name])))
      .map(([name, each]) => [name, printed(each, version, given[name])]),
  );
}
