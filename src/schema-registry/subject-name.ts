// Subjects live in contexts: `:.ctx:orders` is `orders` in the context `.ctx`, plain `orders` is in the default context
// `.`. Each context has its own ids, and its own configuration under the empty subject `:.ctx:`.

export const DEFAULT_CONTEXT = '.';
/** The configuration under every context's. */
const GLOBAL_SCOPE = ':.__GLOBAL:';
/** As a prefix: subjects of all contexts. */
const ALL_CONTEXTS = ':*:';

interface SubjectName {
  readonly context: string;
  readonly name: string;
}

export function splitSubject(subject: string): SubjectName {
  const [, context, name = ''] = /^:(\.[^:]*)(?::(.*))?$/s.exec(subject) ?? [];
  return context === undefined ? { context: DEFAULT_CONTEXT, name: subject } : { context, name };
}

export function contextOf(subject: string): string {
  return splitSubject(subject).context;
}

export function qualify(context: string, name: string): string {
  return context === DEFAULT_CONTEXT ? name : `:${context}:${name}`;
}

/** The context that a path or a request names: `ctx`, `.ctx` and `:.ctx:` are one. */
export function contextNamed(text: string): string {
  const [, name = text] = /^:([^:]*):?$/.exec(text) ?? [];
  return name.startsWith('.') ? name : `.${name}`;
}

/** One spelling for every subject: the default context is not written. */
export function plainSubject(subject: string): string {
  const { context, name } = splitSubject(subject);
  return qualify(context, name);
}

/** The subject that a reference in a schema of `parent` means: contexts that are not written are the parent's. */
export function referencedSubject(subject: string, parent: string): string {
  return subject.startsWith(':.') ? plainSubject(subject) : qualify(contextOf(parent), subject);
}

/** The names under which configuration for a subject is looked for, the nearest first; `null` is the default context's own. */
export function scopesOf(subject: string | null): (string | null)[] {
  if (subject === null) return [null, GLOBAL_SCOPE];
  const { context, name } = splitSubject(subject);
  const ofContext = scopeOf(qualify(context, ''));
  return [...new Set([...(name === '' ? [] : [qualify(context, name)]), ofContext, GLOBAL_SCOPE])];
}

/** Does configuration for this subject hold for all subjects of the default context, or of all contexts? */
export function isGlobalScope(subject: string): boolean {
  const scope = scopeOf(subject);
  return scope === null || contextOf(scope) === contextOf(GLOBAL_SCOPE);
}

/** Where configuration that is set for `subject` is kept. */
export function scopeOf(subject: string | null): string | null {
  return subject === null ? null : plainSubject(subject) || null;
}

export function hasPrefix(subject: string, prefix: string): boolean {
  if (prefix.startsWith(ALL_CONTEXTS)) return splitSubject(subject).name.startsWith(prefix.slice(ALL_CONTEXTS.length));
  const wanted = splitSubject(prefix);
  const { context, name } = splitSubject(subject);
  return context === wanted.context && name.startsWith(wanted.name);
}
