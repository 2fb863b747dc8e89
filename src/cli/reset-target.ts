// Where offsets are set to, by the flags that Kafka's tools have for it: `--to-earliest`, `--shift-by` and the others.
import { readFileSync } from 'node:fs';
import type { ResetTo } from '../streams/index.ts';
import { MillraceError } from '../util/index.ts';
import type { ResetOptions } from './options.ts';

export type TargetOptions = Pick<
  ResetOptions,
  'toEarliest' | 'toLatest' | 'toOffset' | 'toDatetime' | 'byDuration' | 'shiftBy' | 'fromFile'
>;

/** Where the flags say that offsets are set to; at most one of them may. */
export function resetTarget(options: TargetOptions): ResetTo | undefined {
  const { toEarliest, toLatest, toOffset, toDatetime, byDuration, shiftBy, fromFile } = options;
  const given: readonly (readonly [flag: string, to: () => ResetTo, isGiven: boolean])[] = [
    ['--to-earliest', () => ({ position: 'earliest' }), toEarliest === true],
    ['--to-latest', () => ({ position: 'latest' }), toLatest === true],
    ['--to-offset', () => ({ offset: whole('--to-offset', toOffset!, 0) }), toOffset !== undefined],
    ['--to-datetime', () => ({ timestamp: instant(toDatetime!) }), toDatetime !== undefined],
    ['--by-duration', () => ({ timestamp: Date.now() - duration(byDuration!) }), byDuration !== undefined],
    ['--shift-by', () => ({ shiftBy: whole('--shift-by', shiftBy!) }), shiftBy !== undefined],
    ['--from-file', () => ({ offsets: planIn(fromFile!) }), fromFile !== undefined],
  ];
  const [one, another] = given.filter(([, , isGiven]) => isGiven);
  if (another !== undefined) throw invalid(`${one![0]} and ${another[0]} exclude each other.`);
  return one?.[1]();
}

function whole(flag: string, text: string, least = Number.MIN_SAFE_INTEGER): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw invalid(`${flag}: "${text}" is not a whole number${least === 0 ? ' from 0 on' : ''}.`);
  }
  return value;
}

const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?$/;

function instant(text: string): number {
  const match = DATETIME.exec(text);
  const time = match === null ? Number.NaN : Date.parse(match[3] === undefined ? `${text}Z` : text);
  if (Number.isNaN(time)) throw invalid(`--to-datetime: "${text}" is not a time like 2026-01-31T12:30:00.000.`);
  return time;
}

const DURATION = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/i;

function duration(text: string): number {
  const match = DURATION.exec(text);
  if (match === null) throw invalid(`--by-duration: "${text}" is not a duration like P1DT2H30M5S.`);
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

function planIn(file: string): { topic: string; partition: number; offset: number }[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const plan = lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const match = /^([\w.-]+),(\d+),(\d+)$/.exec(line.trim());
    if (match === null) throw invalid(`${file}, line ${i + 1}: write topic,partition,offset.`);
    const [, topic, partition, offset] = match;
    return [{ topic: topic!, partition: Number(partition), offset: whole('--from-file', offset!, 0) }];
  });
  if (plan.length === 0) throw invalid(`${file} is empty: write lines topic,partition,offset.`);
  return plan;
}

function invalid(why: string): MillraceError {
  return new MillraceError('INVALID_OPTION', why);
}
