import { refuse } from '../errors.ts';
import { usesRegistry } from '../formats.ts';
import type { Column } from '../schema.ts';
import type { EngineContext } from './context.ts';
import type { SourceFormats } from './create-source.ts';
import type { WithProperties } from './with-properties.ts';

/** Columns that the statement does not declare come from the registry: keys and values each by themselves. */
export async function inferColumns(
  _engine: Pick<EngineContext, 'catalog' | 'schemas'>,
  topic: string,
  formats: SourceFormats,
  declared: readonly Column[],
  ids: { readonly key: number | undefined; readonly value: number | undefined },
  _properties: WithProperties,
): Promise<readonly Column[]> {
  const hasKey = declared.some((column) => column.namespace === 'KEY');
  const hasValue = declared.some((column) => column.namespace === 'VALUE');
  if (hasValue && (hasKey || !usesRegistry(formats.key))) return declared;
  if (!usesRegistry(formats.value) && declared.length === 0) return refuse('No columns supplied.');
  if (!usesRegistry(formats.value)) return declared;
  if (hasValue) return declared;
  if (ids.value !== undefined)
    return refuse(`Schema for message values on topic '${topic}' with id ${ids.value} can't be read yet.`);
  return refuse(`Schema for message values on topic '${topic}' does not exist in the Schema Registry.`);
}
