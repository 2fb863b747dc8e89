// What a task does with each record between its connector and its converters: the transformations of `transforms`, in their
// order, each for the records that its predicate is for.
import { parseConfig, type RawConfig, withPrefix } from '../api/config-def.ts';
import type { Predicate, Transformation, TransformationPlugin } from '../api/plugins.ts';
import { ConfigError, ConnectError } from '../data/errors.ts';
import type { ConnectRecord } from '../data/record.ts';
import type { Plugins } from './plugins.ts';

/** A transformation in its place. */
interface Step {
  readonly alias: string;
  readonly className: string;
  readonly transformation: Transformation;
  readonly predicate: Predicate | undefined;
  /** Whether it is for the records that the predicate is not for. */
  readonly negate: boolean;
}

/** What a transformation or its predicate has thrown (`cause`), with the class that the headers of dead letters name. */
export class TransformationFault extends ConnectError {
  /** The name of the class. */
  override readonly name = 'TransformationFault';
  /** The transformation's class. */
  readonly className: string;
  constructor(className: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.className = className;
  }
}

/** The transformations of a connector, as one. */
export class TransformationChain {
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Makes the transformations that a connector's settings name. Throws `ConfigError`, or `ConnectError` for an unknown class. */
  static async of(config: RawConfig, plugins: Plugins): Promise<TransformationChain> {
    const steps: Step[] = [];
    try {
      for (const alias of namesOf(config['transforms'])) steps.push(await makeStep(alias, config, plugins));
    } catch (error) {
      new TransformationChain(steps).close();
      throw error;
    }
    return new TransformationChain(steps);
  }

  /** Whether there is nothing to do. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** The record as it goes on, or null: it does not. A promise only where a transformation has one. Throws `TransformationFault`. */
  apply<R extends ConnectRecord>(record: R): R | null | Promise<R | null> {
    return this.#from(0, record);
  }

  close(): void {
    for (const { transformation } of this.#steps) transformation.close?.();
  }

  #from<R extends ConnectRecord>(first: number, record: R): R | null | Promise<R | null> {
    let current = record;
    for (let i = first; i < this.#steps.length; i++) {
      const step = this.#steps[i]!;
      const next = applied(step, current);
      if (next instanceof Promise)
        return next.then(
          (later) => (later === null ? null : this.#from(i + 1, later)),
          (error: unknown) => Promise.reject(new TransformationFault(step.className, error)),
        );
      if (next === null) return null;
      current = next;
    }
    return current;
  }
}

function applied<R extends ConnectRecord>(step: Step, record: R): R | null | Promise<R | null> {
  try {
    if (step.predicate !== undefined && step.predicate.test(record) === step.negate) return record;
    return step.transformation.apply(record);
  } catch (error) {
    throw new TransformationFault(step.className, error);
  }
}

/** The names of a list, each once. */
function namesOf(list: string | undefined): string[] {
  const names = (list ?? '').split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}

async function makeStep(alias: string, config: RawConfig, plugins: Plugins): Promise<Step> {
  const own = withPrefix(`transforms.${alias}.`, config);
  const type = required(own['type'], `transforms.${alias}.type`);
  const plugin = await plugins.load(type, 'transformation');
  const predicate = own['predicate'] === undefined ? undefined : await makePredicate(own['predicate'], config, plugins);
  return {
    alias,
    className: plugin.className,
    transformation: await made(plugin, own),
    predicate,
    negate: own['negate']?.trim().toLowerCase() === 'true',
  };
}

/** Settings are checked here, too: a task may have been started with settings that nobody has validated. */
async function made(plugin: TransformationPlugin, given: RawConfig): Promise<Transformation> {
  const settings = parseConfig(plugin.config, given);
  const problems = (await plugin.validate?.(settings)) ?? [];
  if (problems.length > 0) throw new ConfigError(problems.map(({ message }) => message).join('\n'));
  return plugin.create(settings, given);
}

async function makePredicate(alias: string, config: RawConfig, plugins: Plugins): Promise<Predicate> {
  const own = withPrefix(`predicates.${alias}.`, config);
  const plugin = await plugins.load(required(own['type'], `predicates.${alias}.type`), 'predicate');
  return plugin.create(parseConfig(plugin.config, own), own);
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value.trim() === '')
    throw new ConfigError(`Missing required configuration "${name}" which has no default value.`);
  return value.trim();
}
