// What could come next, by the place in a statement: sources behind FROM, columns of the statement's sources, topics in the
// quotes of PRINT, properties in those of SET, what WITH knows inside of its parentheses.
import { isBlank, openQuote, splitStatements } from '../statements.ts';

/** What the service has, as far as it is known here. */
export interface Known {
  readonly streams: readonly string[];
  readonly tables: readonly string[];
  readonly topics: readonly string[];
  readonly functions: readonly string[];
  readonly queries: readonly string[];
  readonly properties: readonly string[];
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

export interface Completion {
  readonly candidates: readonly string[];
  /** The beginning that they complete. */
  readonly word: string;
}

export const FORMATS = ['AVRO', 'DELIMITED', 'JSON', 'JSON_SR', 'KAFKA', 'NONE', 'PROTOBUF', 'PROTOBUF_NOSR'];

export const WITH_PROPERTIES = [
  'FORMAT',
  'KAFKA_TOPIC',
  'KEY_DELIMITER',
  'KEY_FORMAT',
  'KEY_SCHEMA_FULL_NAME',
  'KEY_SCHEMA_ID',
  'PARTITIONS',
  'REPLICAS',
  'RETENTION_MS',
  'START',
  'TIMESTAMP',
  'TIMESTAMP_FORMAT',
  'VALUE_AVRO_SCHEMA_FULL_NAME',
  'VALUE_DELIMITER',
  'VALUE_FORMAT',
  'VALUE_SCHEMA_FULL_NAME',
  'VALUE_SCHEMA_ID',
  'WINDOW_SIZE',
  'WINDOW_TYPE',
  'WRAP_SINGLE_VALUE',
];

const words = (text: string): readonly string[] => text.split(' ');

const STATEMENTS = words(
  'SELECT WITH CREATE INSERT UPDATE DELETE DROP DESCRIBE SHOW LIST PRINT EXPLAIN TERMINATE PAUSE RESUME SET UNSET DEFINE UNDEFINE ALTER ASSERT RUN',
);
const SHOWN = words('STREAMS TABLES TOPICS QUERIES FUNCTIONS PROPERTIES TYPES VARIABLES INDEXES');
const WITHIN_QUERIES = words(
  'SELECT FROM WHERE GROUP BY HAVING PARTITION EMIT CHANGES FINAL LIMIT OFFSET ORDER ASC DESC DISTINCT WINDOW TUMBLING HOPPING SESSION SIZE ADVANCE GRACE PERIOD RETENTION WITHIN JOIN LEFT RIGHT FULL OUTER INNER ON AS WITH OR REPLACE IF NOT EXISTS STREAM TABLE TYPE INDEX SOURCE PRIMARY KEY INTO VALUES SCRIPT BEGINNING INTERVAL CAST CASE WHEN THEN ELSE END AND BETWEEN LIKE IN IS NULL TRUE FALSE ARRAY MAP STRUCT STRING VARCHAR INT INTEGER BIGINT DOUBLE DECIMAL BOOLEAN BYTES DATE TIME TIMESTAMP DAYS HOURS MINUTES SECONDS MILLISECONDS EXTENDED ANALYZE ADD COLUMN UNION ALL FILTER',
);

/** `text` is what was typed before the cursor, of this statement and others; `behind` what stands after it. */
export function completionAt(text: string, behind: string, known: Known): Completion {
  const typed = splitStatements(text).rest;
  const quoted = openQuote(typed);
  if (quoted?.quote === "'") {
    const word = typed.slice(quoted.at + 1);
    const before = typed.slice(0, quoted.at);
    const within = quotedAt(before, known);
    return { word, candidates: within.filter((name) => name.startsWith(word)).map((name) => `${name}'`) };
  }
  const word = /`[^`]*$|[\w$]*$/.exec(typed)![0];
  const before = typed.slice(0, typed.length - word.length);
  const candidates = namesAt(before, behind, known).map((name) => asTyped(name, word));
  return { word, candidates: [...new Set(candidates)].filter((name) => name.startsWith(word)).sort() };
}

/** Names of the sources that a statement speaks of, by what they are called in it. */
export function sourcesOf(statement: string): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const mentioned =
    /\b(?:FROM|JOIN|INTO|UPDATE)\s+(`(?:[^`])+`|[\w$]+)(?:\s+(?:AS\s+)?(?!(?:WHERE|ON|WITHIN|WINDOW|GROUP|EMIT|LEFT|RIGHT|FULL|INNER|OUTER|JOIN|LIMIT|PARTITION|ORDER|HAVING|SET|VALUES|SELECT|AS|UNION)\b)(\w+))?/gi;
  for (const [, source, alias] of statement.matchAll(mentioned)) {
    const name = nameOf(source!);
    sources.set(name, name);
    if (alias !== undefined) sources.set(nameOf(alias), name);
  }
  return sources;
}

function quotedAt(before: string, known: Known): readonly string[] {
  if (/\bPRINT\s*$/i.test(before) || /\bKAFKA_TOPIC\s*=\s*$/i.test(before)) return known.topics;
  if (/\b(UN)?SET\s*$/i.test(before)) return known.properties;
  if (/FORMAT\s*=\s*$/i.test(before)) return FORMATS;
  return [];
}

function namesAt(before: string, behind: string, known: Known): readonly string[] {
  const { streams, tables, topics, functions, queries } = known;
  const sources = [...streams, ...tables].map(quoteIfNeeded);
  const ends = (pattern: RegExp): boolean => pattern.test(before);
  if (isBlank(before)) return STATEMENTS;
  if (ends(/\b(FROM|JOIN|INTO|UPDATE)\s+$/i)) return sources;
  if (ends(/\bDROP\s+(STREAM|TABLE)\s+(IF\s+EXISTS\s+)?$/i)) {
    return (/\bSTREAM\b/i.test(before) ? streams : tables).map(quoteIfNeeded);
  }
  if (ends(/\bDESCRIBE\s+FUNCTION\s+$/i)) return functions;
  if (ends(/\bDESCRIBE\s+$/i)) return [...sources, 'FUNCTION', 'STREAMS', 'TABLES'];
  if (ends(/\b(SHOW|LIST)\s+$/i)) return SHOWN;
  if (ends(/\b(TERMINATE|PAUSE|RESUME)\s+$/i)) return [...queries, 'ALL'];
  if (ends(/\bEXPLAIN\s+(ANALYZE\s+)?$/i)) return [...queries, 'ANALYZE', 'SELECT', 'CREATE'];
  if (ends(/\bPRINT\s+$/i)) return topics.map((topic) => `'${topic}'`);
  if (ends(/\bWITH\s*\((?:[^()']|'[^']*')*$/i)) {
    if (ends(/[(,]\s*$/)) return WITH_PROPERTIES;
    return ends(/FORMAT\s*=\s*$/i) ? FORMATS.map((format) => `'${format}'`) : [];
  }
  const mentioned = sourcesOf(`${before} ${behind}`);
  const columnsOf = (source: string): readonly string[] => (known.columns.get(source) ?? []).map(quoteIfNeeded);
  const qualifier = /(`[^`]+`|[\w$]+)\.$/.exec(before);
  if (qualifier !== null) return columnsOf(mentioned.get(nameOf(qualifier[1]!)) ?? '');
  return [...[...new Set(mentioned.values())].flatMap(columnsOf), ...functions, ...WITHIN_QUERIES];
}

/** Names are upper-case unless they are quoted: who types small letters gets small letters. */
function asTyped(name: string, word: string): string {
  const isSmall = word !== '' && word === word.toLowerCase() && word !== word.toUpperCase();
  return isSmall && !/['`]/.test(name) && name === name.toUpperCase() ? name.toLowerCase() : name;
}

function quoteIfNeeded(name: string): string {
  return /^[A-Z_][A-Z0-9_]*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

function nameOf(written: string): string {
  return written.startsWith('`') ? written.slice(1, -1) : written.toUpperCase();
}
