// What the statements of a request see: properties and variables as the client sent them, and as SET, UNSET, DEFINE and
// UNDEFINE among those statements change them for the ones behind. It ends with the request: who wants to keep it sends it
// again with the next one.
import { messageOf } from '../../util/index.ts';
import { StatementError } from '../errors.ts';
import type { ParsedStatement } from '../parser/ast.ts';
import type { Variables } from '../parser/variables.ts';
import { defaultOf, isWithoutEffect, normalizeSettings, propertyNamed } from '../settings.ts';
import type { Settings } from '../statements/context.ts';

/** What one request may set for its statements alone. */
export interface RequestContext {
  /** Overrides of properties, as SET makes them. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Values for `${name}`. */
  readonly variables: Readonly<Record<string, string>>;
  /** The command that the request comes behind: it waits until that has been carried out. -1: for none. */
  readonly commandSequenceNumber?: number;
  /** The `host:port` that the service is asked under. */
  readonly host?: string;
}

export const NO_CONTEXT: RequestContext = { properties: {}, variables: {} };

export class Session {
  readonly host: string | undefined;
  readonly #server: Readonly<Record<string, string>>;
  readonly #overrides: Record<string, string> = {};
  readonly #withoutEffect = new Set<string>();
  readonly #variables: Map<string, string>;

  /** `server`: the settings that the session's come over. `text`: whose fault an unknown property is. */
  constructor(server: Readonly<Record<string, string>>, { properties, variables, host }: RequestContext, text: string) {
    this.host = host;
    this.#server = server;
    this.#variables = new Map(Object.entries(variables));
    for (const [name, value] of Object.entries(properties)) this.#set(name, value, text);
  }

  /** The same, to be changed by itself. */
  fork(): Session {
    const variables = Object.fromEntries(this.#variables);
    const other = new Session(this.#server, { properties: {}, variables }, '');
    Object.assign(other.#overrides, this.#overrides);
    return other;
  }

  /** Carries out a statement about the session; false for all others. */
  apply({ statement, text }: ParsedStatement): boolean {
    switch (statement.kind) {
      case 'set':
        this.#set(statement.name, statement.value, text);
        return true;
      case 'unset': {
        const name = refusing(text, () => propertyNamed(statement.name));
        delete this.#overrides[name];
        this.#withoutEffect.delete(name);
        return true;
      }
      case 'define':
        this.#variables.set(statement.name, statement.value);
        return true;
      case 'undefine':
        this.#variables.delete(statement.name);
        return true;
      default:
        return false;
    }
  }

  #set(name: string, value: unknown, text: string): void {
    if (isWithoutEffect(name)) this.#withoutEffect.add(name);
    Object.assign(
      this.#overrides,
      refusing(text, () => normalizeSettings({ [name]: String(value) })),
    );
  }

  get variables(): Variables {
    return this.#variables;
  }

  /** The properties that differ from the service's, by the names of `settings.ts`. */
  get overrides(): Readonly<Record<string, string>> {
    return { ...this.#overrides };
  }

  /** A property as it is for the statement that asks now. */
  setting(): Settings {
    const overrides = this.overrides;
    return (name) => overrides[name] ?? this.#server[name] ?? defaultOf(name);
  }

  /** What the client should know of its properties. */
  get warnings(): { readonly message: string }[] {
    return [...this.#withoutEffect].map(withoutEffect);
  }
}

/** What is said about a property that means nothing here. */
export function withoutEffect(name: string): { readonly message: string } {
  return { message: `The property ${name} is known, and has no effect here.` };
}

function refusing<T>(statementText: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new StatementError(messageOf(error), { statementText, cause: error });
  }
}
