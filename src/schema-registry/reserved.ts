// Names that a subject keeps free (`confluent:reserved` in the metadata): they stay reserved, and no field takes them.
import type { JsonDifference } from '../schemas/index.ts';
import type { Metadata } from './metadata.ts';

export function reservedDifferences(
  original: Metadata | undefined,
  update: Metadata | undefined,
  fieldNames: readonly string[],
): JsonDifference[] {
  const before = reservedNames(original);
  const now = reservedNames(update);
  const fields = new Set(fieldNames);
  return [
    ...[...before]
      .filter((name) => !now.has(name))
      .map((name) => ({ type: 'RESERVED_PROPERTY_REMOVED', path: `#/properties/${name}` })),
    ...[...now]
      .filter((name) => fields.has(name))
      .map((name) => ({ type: 'RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY', path: `#/properties/${name}` })),
  ];
}

function reservedNames(metadata: Metadata | undefined): ReadonlySet<string> {
  const list = metadata?.properties?.['confluent:reserved'] ?? '';
  const names = list.split(',').map((name) => name.trim());
  return new Set(names.filter((name) => name !== ''));
}
