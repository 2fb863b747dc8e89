// What a registry tells about schemas, as a person reads it.
import type { Change, Check, Diff, DryRun, SchemaEntity } from './registry-client.ts';
import { renderTable } from './table.ts';

/** How lines are marked; a terminal shows colours besides. */
export interface Style {
  readonly width: number;
  readonly colours: boolean;
}

export interface SubjectSummary {
  readonly subject: string;
  readonly schemaType: string;
  readonly versions: readonly number[];
  readonly deletedVersions: readonly number[];
  readonly latestId: number;
  readonly compatibility: string;
}

export function subjectsText(subjects: readonly SubjectSummary[], withDeleted: boolean, { width }: Style): string {
  return renderTable(
    subjects.map(({ subject, schemaType, versions, deletedVersions, latestId, compatibility }) => [
      subject,
      schemaType,
      ranges(versions),
      ...(withDeleted ? [ranges(deletedVersions)] : []),
      latestId,
      compatibility,
    ]),
    {
      width,
      headings: ['Subject', 'Type', 'Versions', ...(withDeleted ? ['Deleted'] : []), 'Latest ID', 'Compatibility'],
    },
  );
}

/** JSON laid out; Protobuf is text as it is. */
export function schemaText({ schemaType, schema }: Pick<SchemaEntity, 'schemaType' | 'schema'>): string {
  if (schemaType === 'PROTOBUF') return schema.trimEnd();
  try {
    return JSON.stringify(JSON.parse(schema), null, 2);
  } catch {
    return schema;
  }
}

export function diffText({ subject, schemaType, from, to, changes, compatibility }: Diff, style: Style): string {
  const verdict = (name: 'backward' | 'forward', meaning: string) => {
    const { compatible, reasons } = compatibility[name];
    const head = `${name}: ${compatible ? 'compatible' : 'not compatible'} (${meaning})`;
    return [head, ...reasons.map((reason) => `  ${reason}`)];
  };
  return [
    `${subject} (${schemaType}): version ${from} → ${to}`,
    ...changesLines(changes, style),
    '',
    ...verdict('backward', 'new consumers, old records'),
    ...verdict('forward', 'old consumers, new records'),
  ].join('\n');
}

/** The verdict first, then why, what to do, and what else would come of it. */
export function dryRunText(run: DryRun, style: Style): string {
  const { subject, explanations, remedies, changes, queries = [] } = run;
  const [first] = explanations;
  const broken = queries.flatMap(({ queryId, source, reason, sql }) => [
    `  ${queryId} (${source}): ${reason}`,
    `    ${sql.replace(/\s+/g, ' ')}`,
  ]);
  return [
    verdictText(run),
    ...explanations.flatMap(({ path, level, reason, advice }) => [
      '',
      paint(`✗ ${path === '' ? subject : path}`, 'REMOVED', style) + ` (${level.toLowerCase()})`,
      `  ${reason}`,
      `  → ${advice}`,
    ]),
    ...section(
      'What else would do',
      remedies.map(({ description }) => `  ${description}`),
    ),
    ...section(
      first === undefined ? 'Changes since the latest version' : `Changes since version ${first.version}`,
      changesLines(changes, style),
    ),
    ...section('Queries that would break', broken),
  ].join('\n');
}

/** Of a registry that only says yes or no. */
export function checkText(subject: string, { is_compatible: isCompatible, messages = [] }: Check): string {
  if (isCompatible) return `${subject}: compatible`;
  return [`${subject}: not compatible`, ...messages.map((message) => `  ${message}`)].join('\n');
}

export function changesLines(changes: readonly Change[], style: Style): string[] {
  if (changes.length === 0) return ['  nothing changed'];
  const marks = { ADDED: '+', REMOVED: '-', CHANGED: '~' };
  return changes.map(({ kind, description }) => paint(`${marks[kind]} ${description}`, kind, style));
}

function verdictText({ subject, isCompatible, existing, id, version, explanations }: DryRun): string {
  if (!isCompatible) return `${subject}: not compatible with version ${explanations[0]?.version}`;
  if (existing) return `${subject}: already there, version ${version} with id ${id}`;
  return `${subject}: compatible; it would become version ${version} with id ${id}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

const COLOURS = { ADDED: 32, REMOVED: 31, CHANGED: 33 };

function paint(text: string, kind: Change['kind'], { colours }: Style): string {
  return colours ? `\u001b[${COLOURS[kind]}m${text}\u001b[0m` : text;
}

/** `1-3, 5`. */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
