// What a request may ask for at all: names, versions, and writing in the mode that is in force.
import { invalidSubject, invalidVersion, operationNotPermitted, type RegistryError } from './errors.ts';
import type { Mode } from './storage/schema-records.ts';
import { contextOf, DEFAULT_CONTEXT, splitSubject } from './subject-name.ts';

/** Schemas of another registry come with their ids and versions, and were checked there. */
export const COPY_MODES: readonly Mode[] = ['IMPORT', 'FORWARD'];
const MAX_VERSION = 2 ** 31 - 1;

export function checkMode(mode: Mode, subject: string, { hasId }: { hasId: boolean }): void {
  const isCopy = COPY_MODES.includes(mode);
  if (isReadOnly(mode)) throw notPermittedNow(subject, 'is in read-only mode');
  if (hasId && !isCopy) throw notPermittedNow(subject, 'is not in import mode');
  if (!hasId && isCopy) throw notPermittedNow(subject, 'is not in read-write mode');
}

export function isReadOnly(mode: Mode): boolean {
  return mode === 'READONLY' || mode === 'READONLY_OVERRIDE';
}

export function notPermittedNow(subject: string, why: string): RegistryError {
  return operationNotPermitted(`Subject ${subject} in context ${contextOf(subject)} ${why}`);
}

export function parseVersion(text: string): number | 'latest' {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'latest' || trimmed === '-1') return 'latest';
  const version = /^\+?\d+$/.test(trimmed) ? Number(trimmed) : 0;
  if (version < 1 || version > MAX_VERSION) throw invalidVersion(text);
  return version;
}

export function checkSubject(subject: string, { isScope }: { isScope: boolean }): void {
  const { context, name } = splitSubject(subject);
  const isNameless = name === '' && (!isScope || context === DEFAULT_CONTEXT);
  if (isNameless || /\p{Cc}/u.test(subject) || name === '__GLOBAL' || name === '__EMPTY') throw invalidSubject(subject);
}
