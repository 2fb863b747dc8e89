// kafka-configs for users, clients and addresses: quotas, and how users log in with SCRAM.
import type { Admin, QuotaEntity } from '../../client/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { ToolError, type ToolIo } from './tool.ts';

type Part = keyof QuotaEntity;

/** By the names that entities have in Kafka's tools; `short`: their flags, alone and with `-defaults`. */
export const USER_KINDS = {
  users: { part: 'user', short: 'user', label: 'user-principal' },
  clients: { part: 'client-id', short: 'client', label: 'client-id' },
  ips: { part: 'ip', short: 'ip', label: 'ip' },
} as const satisfies Readonly<Record<string, { part: Part; short: string; label: string }>>;
type UserKind = keyof typeof USER_KINDS;

const KINDS = Object.keys(USER_KINDS) as UserKind[];
const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
type Mechanism = (typeof MECHANISMS)[number];

/** A part of an entity: by its name, null for the default, undefined for any. */
export interface UserEntityPart {
  readonly kind: UserKind;
  readonly name: string | null | undefined;
}

/** What of users, clients and addresses the flags name; undefined where they name other things. */
export function userEntityOf(args: Arguments): readonly UserEntityPart[] | undefined {
  const parts: { kind: UserKind; name: string | null | undefined }[] = [];
  const flags = KINDS.flatMap((kind) => [USER_KINDS[kind].short, `${USER_KINDS[kind].short}-defaults`]);
  for (const [flag, value] of args.inOrder('entity-type', 'entity-name', 'entity-default', ...flags)) {
    const short = KINDS.find(
      (kind) => flag === USER_KINDS[kind].short || flag === `${USER_KINDS[kind].short}-defaults`,
    );
    if (short !== undefined) parts.push({ kind: short, name: flag.endsWith('-defaults') ? null : value });
    else if (flag === 'entity-type') {
      const kind = KINDS.find((each) => each === value);
      if (kind === undefined) {
        if (parts.length > 0)
          throw new UsageError(`${value} can't be described or altered together with ${parts[0]!.kind}`);
        return undefined;
      }
      parts.push({ kind, name: undefined });
    } else {
      const last = parts.findLast(({ name }) => name === undefined) ?? parts.at(-1);
      if (last !== undefined) last.name = flag === 'entity-default' ? null : value;
    }
  }
  if (parts.length === 0) return undefined;
  if (parts.length > 1 && parts.some(({ kind }) => kind === 'ips')) {
    throw new UsageError('Only quotas of users and clients can be combined');
  }
  return parts;
}

// ── Describing ────────────────────────────────────────────────────────────────────────────────────────────────────

export async function describeUsers(admin: Admin, parts: readonly UserEntityPart[], io: ToolIo): Promise<void> {
  const wanted = Object.fromEntries(parts.map(({ kind, name }) => [USER_KINDS[kind].part, name]));
  for (const { entity, limits } of await admin.describeClientQuotas(wanted)) {
    const values = Object.entries(limits).map(([key, value]) => `${key}=${javaDouble(value)}`);
    io.out(`Quota configs for ${textOf(entity)} are ${values.join(', ')}\n`);
  }
  const [only] = parts;
  if (parts.length > 1 || only!.kind !== 'users' || only!.name === null) return;
  const found = await admin.describeUserScramCredentials(only!.name === undefined ? null : [only!.name]);
  for (const [user, infos] of Map.groupBy(found, (info) => info.user)) {
    const texts = infos.map(({ mechanism, iterations }) => `${mechanism}=iterations=${iterations}`);
    io.out(`SCRAM credential configs for user-principal '${user}' are ${texts.join(', ')}\n`);
  }
}

function textOf(entity: QuotaEntity): string {
  const told = KINDS.filter((kind) => USER_KINDS[kind].part in entity).map((kind) => {
    const { part, label } = USER_KINDS[kind];
    const name = entity[part];
    return name === null ? `the default ${label}` : `${label} '${name}'`;
  });
  return told.join(', ');
}

/** As Java prints one. */
function javaDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

// ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────

export async function alterUsers(
  admin: Admin,
  parts: readonly UserEntityPart[],
  set: Readonly<Record<string, string | null>>,
  io: ToolIo,
): Promise<void> {
  const { kind, name } = parts[0]!;
  const unnamed = parts.find((part) => part.name === undefined);
  if (unnamed !== undefined) {
    throw new ToolError(`--alter needs the name of one of the ${unnamed.kind}, or their default.`);
  }
  const isScram = (key: string): boolean => (MECHANISMS as readonly string[]).includes(key);
  const keys = Object.keys(set);
  if (keys.some(isScram)) {
    if (!keys.every(isScram)) throw new ToolError('Quotas and SCRAM credentials are altered one after the other.');
    if (parts.length > 1 || kind !== 'users' || name === null) {
      throw new ToolError('SCRAM credentials are those of one user: name it with --entity-type users --entity-name.');
    }
    await alterScram(admin, name!, set);
  } else {
    const entity = Object.fromEntries(parts.map((part) => [USER_KINDS[part.kind].part, part.name])) as QuotaEntity;
    await admin.alterClientQuotas([{ entity, set: quotasOf(set) }]);
  }
  io.out(
    name === null
      ? `Completed updating default config for ${kind} in the cluster.\n`
      : `Completed updating config for ${USER_KINDS[kind].short} ${name}.\n`,
  );
}

async function alterScram(admin: Admin, user: string, set: Readonly<Record<string, string | null>>): Promise<void> {
  const changes = Object.entries(set) as [Mechanism, string | null][];
  const upsertions = changes.flatMap(([mechanism, text]) =>
    text === null ? [] : [{ user, mechanism, ...passwordIn(mechanism, text) }],
  );
  const deletions = changes.flatMap(([mechanism, text]) => (text === null ? [{ user, mechanism }] : []));
  await admin.alterUserScramCredentials({ upsertions, deletions });
}

/** `iterations=8192,password=…`: the password is the rest, whatever is in it. */
function passwordIn(mechanism: string, text: string): { readonly password: string; readonly iterations?: number } {
  const match = /^(?:iterations=(\d+),)?password=(.+)$/s.exec(text.trim());
  if (match === null) {
    throw new ToolError(`${mechanism} takes [password=…] or [iterations=…,password=…], with at least 4096 iterations.`);
  }
  const [, iterations, password] = match;
  return { password: password!, ...(iterations === undefined ? {} : { iterations: Number(iterations) }) };
}

function quotasOf(set: Readonly<Record<string, string | null>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(set).map(([key, text]) => {
      const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
      if (text !== null && Number.isNaN(value))
        throw new ToolError(`Cannot parse quota configuration value for ${key}: ${text}`);
      return [key, text === null ? null : value];
    }),
  );
}
