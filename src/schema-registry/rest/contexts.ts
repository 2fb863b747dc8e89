import { contextNamed, qualify } from '../subject-name.ts';

/** Which part of a path is a subject, by the first one. */
const SUBJECT_AT: ReadonlyMap<string | undefined, number> = new Map([
  ['subjects', 1],
  ['config', 1],
  ['mode', 1],
  ['compatibility', 2],
]);

/**
 * Any path may begin with a context: `/contexts/.ctx/subjects/a` is `/subjects/:.ctx:a`. Paths that name no subject get
 * the context where they take one: as the prefix of subjects, as the subject of an id, as the scope of a setting.
 */
export function withContextInSubjects(url: string): string {
  const [, contextText, path, query = ''] = /^\/contexts\/([^/?]+)(\/[^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  if (contextText === undefined || path === undefined) return url;
  const context = contextNamed(decode(contextText));
  const parameters = new URLSearchParams(query);
  const inContext = (name: string) => `:${context}:${name}`;
  const segments = path.split('/').slice(1);
  const [root, second] = segments;
  const subjectAt = SUBJECT_AT.get(root);
  if (root === 'schemas' && (second === 'ids' || second === 'guids')) {
    parameters.set('subject', inContext(parameters.get('subject') ?? ''));
  } else if ((root === 'schemas' || root === 'subjects') && !second) {
    parameters.set('subjectPrefix', inContext(parameters.get('subjectPrefix') ?? ''));
  } else if ((root === 'config' || root === 'mode') && !second) {
    segments[1] = encodeURIComponent(inContext(''));
  } else if (subjectAt !== undefined && segments[subjectAt]) {
    const subject = decode(segments[subjectAt]);
    if (!subject.startsWith(':')) segments[subjectAt] = encodeURIComponent(qualify(context, subject));
  }
  const rest = parameters.toString();
  return `/${segments.join('/')}${rest === '' ? '' : `?${rest}`}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
