// What a route needs of who asks, and whether who asks has it.
import { denied, type GlobalOperation, type Permissions, type SubjectOperation } from './authorization.ts';
import { RegistryError } from '../errors.ts';
import type { SchemaRegistry } from '../registry.ts';
import { type Params, type Query, readReference } from './entities.ts';
import type { QueryName } from './query-parameters.ts';
import { isGlobalScope, plainSubject, referencedSubject } from '../subject-name.ts';

export interface Call {
  readonly params: Params;
  readonly query: Query;
  readonly body: Readonly<Record<string, unknown>>;
  readonly permissions: Permissions;
}

/**
 * What a route needs: an operation, on the subject in its path or on none. `SCHEMA_READ`: that one of the schema's subjects
 * may be read, which the answer sees to. `LISTING`: nothing, because the answer lists only what may be read. `NOTHING`: it
 * tells nothing about subjects.
 */
export type Need = SubjectOperation | GlobalOperation | 'SCHEMA_READ' | 'LISTING' | 'NOTHING';

/** A request for a subject may end up with another one. */
type SubjectUse = 'reading' | 'writing';

const USE: { readonly [need in Need]?: SubjectUse } = { SUBJECT_WRITE: 'writing', SUBJECT_DELETE: 'writing' };

/** What is told of a route, by the names of what it takes. */
export interface Description {
  /** One sentence. */
  readonly summary: string;
  /** The parameters that it sees: all others are as if they were not there. */
  readonly query?: readonly QueryName[];
  /** The members of its body. */
  readonly body?: readonly string[];
  /** The status of its answer when all is well; 200 unless said. */
  readonly status?: number;
}

export interface Route {
  readonly needs: Need;
  readonly description: Description;
  /** Throws for a call that is not allowed. */
  readonly answer: (call: Call) => unknown;
}

/** By method and path. */
export type Routes = Readonly<Record<string, Route>>;

/** Declares a route, with what it needs; `use` where that is another than the operation's own. */
export type DeclareRoute = (needs: Need, description: Description, answer: Route['answer'], use?: SubjectUse) => Route;

export function routesOf(registry: SchemaRegistry): DeclareRoute {
  return (needs, description, answer, use) => ({
    needs,
    description,
    answer: (call) => {
      authorize(registry, needs, call, use);
      const query = Object.fromEntries((description.query ?? []).map((name) => [name, call.query[name]]));
      return answer({ ...call, query });
    },
  });
}

/** Which subject counts is known only here: aliases are followed, and reading looks into other contexts too. */
function authorize(
  registry: SchemaRegistry,
  need: Need,
  { params, body, permissions }: Call,
  use = USE[need] ?? 'reading',
): void {
  switch (need) {
    case 'NOTHING':
    case 'LISTING':
    case 'SCHEMA_READ':
      return;
    case 'GLOBAL_READ':
    case 'GLOBAL_COMPATIBILITY_READ':
    case 'GLOBAL_COMPATIBILITY_WRITE':
      if (!permissions.allows(need)) throw denied(need);
      return;
    case 'SUBJECT_COMPATIBILITY_READ':
    case 'SUBJECT_COMPATIBILITY_WRITE': {
      // What holds for everything has spellings as a subject.
      const subject = params['subject']!;
      if (isGlobalScope(subject)) {
        const wide = need === 'SUBJECT_COMPATIBILITY_READ' ? 'GLOBAL_COMPATIBILITY_READ' : 'GLOBAL_COMPATIBILITY_WRITE';
        if (!permissions.allows(wide)) throw denied(wide);
      } else if (!permissions.allows(need, plainSubject(subject))) {
        throw denied(need, subject);
      }
      return;
    }
    default: {
      const asked = params['subject']!;
      const subject = registry.subjectMeant(asked, use);
      if (!permissions.allows(need, subject)) throw denied(need, asked);
      // A schema shows what it refers to.
      const references = Array.isArray(body['references']) ? body['references'].map(readReference) : [];
      for (const { subject: name } of references) {
        const referenced = referencedSubject(name, subject);
        if (!permissions.allows('SUBJECT_READ', referenced)) throw denied('SUBJECT_READ', referenced);
      }
    }
  }
}

export function deniedSchema(id: number | string): never {
  throw new RegistryError(40301, `User is denied operation Read on Schema: ${id}`);
}
