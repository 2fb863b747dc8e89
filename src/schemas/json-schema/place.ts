import type { Place } from '../incompatibility.ts';

/** Keywords under which names stand that are a schema's own. */
const NAMING = new Set(['properties', 'definitions', '$defs', 'patternProperties', 'required', 'dependencies']);
const LISTING = new Set(['allOf', 'anyOf', 'oneOf']);
const REST = new Set(['additionalProperties', 'unevaluatedProperties']);

/** `#/properties/a/items/properties/b/maxLength` is the `maxLength` of `a[].b`. */
export function jsonPlace(location: string): Place {
  const segments = location
    .replace(/^#\/?/, '')
    .split('/')
    .filter((segment) => segment !== '');
  let path = '';
  let keyword: string | undefined;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!;
    const next = segments[i + 1];
    keyword = undefined;
    if (NAMING.has(segment) && next !== undefined) {
      path = path === '' ? next : `${path}.${next}`;
      if (segment === 'required' || segment === 'dependencies') keyword = segment;
      i++;
    } else if (LISTING.has(segment) && next !== undefined) {
      path = `${path === '' ? '' : `${path}.`}${segment}[${next}]`;
      i++;
    } else if (segment === 'items') {
      const isPlace = next !== undefined && /^\d+$/.test(next);
      path += isPlace ? `[${next}]` : '[]';
      if (isPlace) i++;
    } else if (REST.has(segment) && next !== undefined) path += path === '' ? '*' : '.*';
    else keyword = segment;
  }
  return { path, ...(keyword === undefined ? {} : { keyword }) };
}
