// What a user may do: the operations of the original's registry, allowed by rules from a file. What no rule allows is
// denied.
import { FileBacked, invalid, linesOf } from '../../rim/index.ts';
import { RegistryError } from '../errors.ts';
import type { RegistryRestSettings } from './settings.ts';

const SUBJECT_OPERATIONS = [
  'SUBJECT_READ',
  'SUBJECT_WRITE',
  'SUBJECT_DELETE',
  'SUBJECT_COMPATIBILITY_READ',
  'SUBJECT_COMPATIBILITY_WRITE',
] as const;
const GLOBAL_OPERATIONS = ['GLOBAL_READ', 'GLOBAL_COMPATIBILITY_READ', 'GLOBAL_COMPATIBILITY_WRITE'] as const;

export type SubjectOperation = (typeof SUBJECT_OPERATIONS)[number];
export type GlobalOperation = (typeof GLOBAL_OPERATIONS)[number];
export type Operation = SubjectOperation | GlobalOperation;

/** What one user may do. */
export interface Permissions {
  allows(operation: GlobalOperation): boolean;
  allows(operation: SubjectOperation, subject: string): boolean;
}

export interface Authorization {
  of(user: string): Permissions;
}

const EVERYTHING: Permissions = { allows: () => true };
const SETTING = 'schema.registry.acl.location';

export function authorizationOf(settings: RegistryRestSettings, log: (message: string) => void): Authorization {
  const file = settings[SETTING];
  if (file === '') return { of: () => EVERYTHING };
  const superUsers = new Set(settings['schema.registry.super.users'].split(';').map((name) => name.trim()));
  const rules = new FileBacked([file], () => readRules(file), log);
  return {
    of(user) {
      if (superUsers.has(user)) return EVERYTHING;
      const own = rules.current.filter((rule) => rule.user === user || rule.user === '*');
      return {
        allows: (operation: Operation, subject?: string) =>
          own.some((rule) => rule.operations.has(operation) && (subject === undefined || rule.covers(subject))),
      };
    },
  };
}

/** The original's words for it. */
export function denied(operation: Operation, subject = '__GLOBAL'): RegistryError {
  const words = operation.replace(/^[A-Z]+_/, '').split('_');
  const name = words.toReversed().map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return new RegistryError(40301, `User is denied operation ${name.join('')} on Subject: ${subject}`);
}

interface Rule {
  readonly user: string;
  readonly operations: ReadonlySet<Operation>;
  readonly covers: (subject: string) => boolean;
}

/** Lines of `user operation[,…] [subject]`; a subject may end in `*`. */
function readRules(file: string): Rule[] {
  return linesOf(SETTING, file).map(({ number, text }) => {
    const where = `${file}, line ${number}`;
    const [user, names, pattern, ...more] = text.split(/\s+/);
    if (user === undefined || names === undefined || more.length > 0) {
      throw invalid(`${where}: this is not "user operation[,…] subject".`);
    }
    const known: readonly Operation[] = pattern === undefined ? GLOBAL_OPERATIONS : SUBJECT_OPERATIONS;
    const operations = names === '*' ? known : names.split(',');
    for (const name of operations) {
      if (known.includes(name as Operation)) continue;
      const kind = pattern === undefined ? 'without a subject' : 'on subjects';
      throw invalid(`${where}: ${name} is not an operation ${kind}; these are ${known.join(', ')}.`);
    }
    if (pattern?.slice(0, -1).includes('*')) {
      throw invalid(`${where}: a * stands for the rest of a subject, so it can only be the last character.`);
    }
    const prefix = pattern?.endsWith('*') ? pattern.slice(0, -1) : undefined;
    return {
      user,
      operations: new Set(operations as Operation[]),
      covers: (subject) => (prefix === undefined ? subject === pattern : subject.startsWith(prefix)),
    };
  });
}
