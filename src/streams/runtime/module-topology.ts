// The topology that a module exports.
import { MillraceError } from '../../util/index.ts';
import type { Topology } from '../graph/topology.ts';

/**
 * The default export of a module, or its `topology`: one, a builder, or a function that answers one. It may be of another copy
 * of the library: it is known by what it can do. `module` is its name, for the refusal.
 */
export async function topologyIn(module: string, exported: Readonly<Record<string, unknown>>): Promise<Topology> {
  let found = exported['default'] ?? exported['topology'];
  if (typeof found === 'function') found = await (found as () => unknown)();
  if (can(found, 'build')) found = found.build();
  if (can(found, 'describe')) return found as unknown as Topology;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${module} exports no topology: have its default export, or \`topology\`, be one, a builder, or a function that answers one.`,
  );
}

function can<M extends string>(value: unknown, method: M): value is Record<M, () => unknown> {
  return typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';
}
