// `millrace doctor`: what may be wrong with this machine, the data directory, the services and the groups, and what to do.
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Admin } from '../../client/index.ts';
import { codeOf, messageOf, MillraceError, OLDEST_NODE } from '../../util/index.ts';
import { bytesText } from '../demo/screen.ts';
import type { CommandIo } from './io.ts';
import { type OutputOptions, seconds, withAdmin, withOutput } from './options.ts';
import { coloured, column, type Column, printRows } from './output.ts';
import { groupRates, look, waited } from './rates.ts';
import { type ServiceOptions, servicesOf } from './services.ts';
import { onServices } from './status.ts';

interface Finding {
  readonly check: string;
  readonly state: 'good' | 'warning' | 'bad';
  readonly detail: string;
}

interface DoctorOptions extends ServiceOptions, OutputOptions {
  readonly dataDir: string;
  readonly watch: number;
}

export function doctor(command: Command, io: CommandIo): void {
  withOutput(onServices(command))
    .option('-d, --data-dir <dir>', 'where data lives', './millrace-data')
    .option('--watch <seconds>', 'how long lag is watched, to see whether it grows', seconds, 2)
    .action((options: DoctorOptions) => run(io, options));
  withOutput(command.command('partitions'))
    .description('how many partitions a topic needs: the target over what one producer or consumer can do')
    .requiredOption('--target <rate>', 'what is to go through the topic: 50MB/s', rate)
    .requiredOption('--producer <rate>', 'what one producer can send to one partition', rate)
    .requiredOption('--consumer <rate>', 'what one consumer can process', rate)
    .action((options: PartitionsOptions) => partitions(io, options));
}

const MARKS = { good: '✓', warning: '!', bad: '✗' } as const;

async function run(io: CommandIo, options: DoctorOptions): Promise<void> {
  const findings = [nodeVersion(), ...dataDirectory(options.dataDir), openFiles(), ...(await services(io, options))];
  if (options.output === 'table') {
    const width = Math.max(...findings.map(({ check }) => check.length));
    for (const { check, state, detail } of findings) {
      io.out(`${coloured(io, MARKS[state], state)} ${check.padEnd(width)}  ${detail}\n`);
    }
  } else printRows(io, options.output, [column<Finding>('check'), column('state'), column('detail')], findings);
  const bad = findings.filter(({ state }) => state === 'bad');
  if (bad.length > 0)
    throw new MillraceError('CHECKS_FAILED', `not in order: ${bad.map(({ check }) => check).join(', ')}.`);
}

// ── The machine ───────────────────────────────────────────────────────────────────────────────────────────────────

function nodeVersion(): Finding {
  const { node } = process.versions;
  const isNew = Number(node.split('.')[0]) >= OLDEST_NODE;
  return {
    check: 'Node',
    state: isNew ? 'good' : 'bad',
    detail: isNew ? node : `${node}: Millrace needs ${OLDEST_NODE} or newer`,
  };
}

/** By the magic numbers of Linux (statfs(2)). */
const FILE_SYSTEMS: Readonly<Record<number, readonly [name: string, warning?: string]>> = {
  0xef53: ['ext4'],
  0x58465342: ['XFS'],
  0x9123683e: ['Btrfs'],
  0x2fc12fc1: ['ZFS'],
  0x794c7630: ['overlay', 'in a container, it goes with the container: mount a volume'],
  0x01021994: ['tmpfs', 'it is memory: nothing survives a restart of the machine'],
  0x6969: ['NFS', 'a network file system may lose what it has acknowledged: use a local disk'],
  0xff534d42: ['CIFS', 'a network file system may lose what it has acknowledged: use a local disk'],
  0xfe534d42: ['SMB', 'a network file system may lose what it has acknowledged: use a local disk'],
};

const [LITTLE_SPACE, TOO_LITTLE_SPACE] = [5 * 2 ** 30, 200 * 2 ** 20];

function dataDirectory(directory: string): Finding[] {
  let there = resolve(directory);
  while (!existsSync(there)) there = dirname(there);
  const where = there === resolve(directory) ? there : `${resolve(directory)} (to be made in ${there})`;
  const findings: Finding[] = [];
  if (!statSync(there).isDirectory()) {
    const detail = `${there} is a file: choose another directory with --data-dir`;
    return [{ check: 'data directory', state: 'bad', detail }];
  }
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    findings.push({ check: 'data directory', state: 'good', detail: where });
  } catch (error) {
    const detail = `${where} can’t be written to (${codeOf(error)}): choose another with --data-dir, or change its owner`;
    return [{ check: 'data directory', state: 'bad', detail }];
  }
  const { type, bavail, bsize } = statfsSync(there);
  const [name, warning] = FILE_SYSTEMS[type] ?? [`type 0x${type.toString(16)}`];
  findings.push({
    check: 'file system',
    state: warning === undefined ? 'good' : 'warning',
    detail: warning === undefined ? name : `${name}: ${warning}`,
  });
  const free = bavail * bsize;
  findings.push({
    check: 'free space',
    state: free < TOO_LITTLE_SPACE ? 'bad' : free < LITTLE_SPACE ? 'warning' : 'good',
    detail: bytesText(free),
  });
  return findings;
}

/** A segment has a few files, and so does each partition. */
const FEW_FILES = 4096;

function openFiles(): Finding {
  const { userLimits } = process.report.getReport() as { userLimits?: Record<string, { soft: number | string }> };
  const limit = userLimits?.['open_files']?.soft ?? 'unknown';
  const isFew = typeof limit === 'number' && limit < FEW_FILES;
  return {
    check: 'open files',
    state: isFew ? 'warning' : 'good',
    detail: isFew ? `only ${limit}: raise it to ${FEW_FILES} or more with ulimit -n` : String(limit),
  };
}

// ── The services ──────────────────────────────────────────────────────────────────────────────────────────────────

/** HTTP tells the time in whole seconds. */
const CLOCK_TOLERANCE_MS = 2000;

async function services(io: CommandIo, options: DoctorOptions): Promise<Finding[]> {
  const all = await servicesOf(options);
  const findings: Finding[] = all.map(({ service, address, state, ms, detail }) => {
    if (state === 'up') return { check: service, state: 'good', detail: `${address} answers in ${ms} ms` };
    if (state === 'unwell') return { check: service, state: 'bad', detail: `${address}: ${detail}` };
    if (state === 'strange') {
      return {
        check: service,
        state: 'bad',
        detail: `${address} is taken by something else (${detail}): stop it, or use another port`,
      };
    }
    return { check: service, state: 'warning', detail: `nothing answers at ${address}: millrace start starts it` };
  });
  const aheads = all.flatMap(({ clockAheadMs }) => (clockAheadMs === null ? [] : [clockAheadMs]));
  if (aheads.length > 0) {
    const most = aheads.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    const isOff = Math.abs(most) > CLOCK_TOLERANCE_MS;
    findings.push({
      check: 'clock',
      state: isOff ? 'warning' : 'good',
      detail: isOff
        ? `the services are ${Math.round(most / 1000)} s ahead of this machine: set both by NTP`
        : 'as that of the services',
    });
  }
  if (all[0]!.state !== 'up') return findings;
  try {
    return [
      ...findings,
      ...(await withAdmin(options, async (admin) => [await replicas(admin), ...(await lags(io, admin, options))])),
    ];
  } catch (error) {
    return [...findings, { check: 'partitions and groups', state: 'bad', detail: messageOf(error) }];
  }
}

async function replicas(admin: Admin): Promise<Finding> {
  const topics = await admin.describeReplicas(await admin.listTopics());
  const all = topics.flatMap(({ name, partitions: list }) =>
    list.map((each) => ({ ...each, name: `${name}-${each.partition}` })),
  );
  const leaderless = all.filter(({ leader }) => leader < 0);
  const behind = all.filter(({ isr, replicas: wanted }) => isr.length < wanted.length);
  if (leaderless.length > 0)
    return { check: 'partitions', state: 'bad', detail: `without a leader: ${some(leaderless)}` };
  if (behind.length > 0)
    return { check: 'partitions', state: 'warning', detail: `replicas are behind: ${some(behind)}` };
  return { check: 'partitions', state: 'good', detail: `${all.length}, all in sync` };
}

function some(list: readonly { readonly name: string }[]): string {
  const names = list.slice(0, 5).map(({ name }) => name);
  return `${names.join(', ')}${list.length > names.length ? ` and ${list.length - names.length} more` : ''}`;
}

async function lags(io: CommandIo, admin: Admin, { watch }: DoctorOptions): Promise<Finding[]> {
  const before = await look(admin, false);
  await waited(watch, io.interrupted);
  const growing = groupRates(before, await look(admin, false)).filter(({ lagGrowth }) => lagGrowth > 0);
  if (growing.length === 0)
    return [{ check: 'groups', state: 'good', detail: `${before.committed.size}, none falls behind` }];
  return growing.map(({ group, lag, lagGrowth }) => ({
    check: 'groups',
    state: 'warning',
    detail: `${group} falls behind: ${lagGrowth} records in ${watch} s, ${lag} by now; give it more members, or its topics more partitions`,
  }));
}

// ── How many partitions ───────────────────────────────────────────────────────────────────────────────────────────

interface PartitionsOptions extends OutputOptions {
  readonly target: number;
  readonly producer: number;
  readonly consumer: number;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
};

/** `50MB/s`, `800KiB`, `1000`: bytes per second. */
function rate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]I?)?B?(?:\/s)?$/i.exec(text.trim());
  const value = Number(match?.[1]) * UNITS[(match?.[2] ?? '').toUpperCase()]!;
  if (value > 0) return value;
  throw new InvalidArgumentError('A rate is written like 50MB/s.');
}

/** The usual rule of thumb: enough for all producers, and for all consumers. */
function partitions(io: CommandIo, { output, target, producer, consumer }: PartitionsOptions): void {
  const row = { forProducers: Math.ceil(target / producer), forConsumers: Math.ceil(target / consumer) };
  const columns: Column<typeof row>[] = [
    { name: 'partitions', value: ({ forProducers, forConsumers }) => Math.max(forProducers, forConsumers) },
    column('forProducers'),
    column('forConsumers'),
  ];
  printRows(io, output, columns, [row]);
}
