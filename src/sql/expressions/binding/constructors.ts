// ARRAY[…], MAP(…) and STRUCT(…): the members of the first two get common types.
import { refuse } from '../../errors.ts';
import type { Expression } from '../../parser/ast.ts';
import { printExpression } from '../../parser/print.ts';
import { arrayOf, mapOf, STRING, structOf } from '../../types.ts';
import type { Binding, Element } from './binding.ts';
import { unify } from './unify.ts';

const HINT = '(see https://github.com/confluentinc/ksql/issues/4239).';
const WORKAROUND = 'As a workaround, you may cast a NULL value to the desired type.';

export function arrayElement(binding: Binding, ast: Expression & { kind: 'array' }): Element {
  const known = ast.item && binding.environment.resolveType(ast.item);
  if (ast.items.length === 0 && known === undefined)
    return refuse(`Array constructor cannot be empty. Please supply at least one element ${HINT}`);
  const items = ast.items.map((item) => binding.element(item));
  const { type: common, members } = unify(items);
  const type = common ?? known;
  if (type === undefined) return refuse(`Cannot construct an array with all NULL elements ${HINT} ${WORKAROUND}`);
  return { ast, bound: { kind: 'array', items: members, type: arrayOf(type) }, members: { kind: 'array', items } };
}

export function mapElement(binding: Binding, ast: Expression & { kind: 'map' }): Element {
  const { resolveType } = binding.environment;
  const known = ast.entry && { key: resolveType(ast.entry.key), value: resolveType(ast.entry.value) };
  if (ast.entries.length === 0 && known === undefined)
    return refuse(`Map constructor cannot be empty. Please supply at least one key value pair ${HINT}`);
  const keyElements = ast.entries.map(({ key }) => binding.element(key));
  const keys = unify(keyElements);
  const valueElements = ast.entries.map(({ value }) => binding.element(value));
  const values = unify(valueElements);
  const keyType = keys.type ?? known?.key;
  const valueType = values.type ?? known?.value;
  if (keyType === undefined || valueType === undefined)
    return refuse(
      `Cannot construct a map with all NULL ${keyType === undefined ? 'keys' : 'values'} ${HINT} ${WORKAROUND}`,
    );
  const entries = keys.members.map((key, i) => ({ key, value: values.members[i]! }));
  return {
    ast,
    bound: { kind: 'map', entries, type: mapOf(keyType, valueType) },
    members: { kind: 'map', keys: keyElements, values: valueElements },
  };
}

export function structElement(binding: Binding, ast: Expression & { kind: 'struct' }): Element {
  if (new Set(ast.fields.map(({ name }) => name)).size < ast.fields.length)
    return refuse(`Duplicate field names found in STRUCT: '${printExpression(ast)}'.`);
  const fields = ast.fields.map(({ name, value }) => ({ name, value: binding.element(value) }));
  const type = structOf(fields.map(({ name, value }) => ({ name, type: value.bound.type ?? STRING })));
  return {
    ast,
    bound: { kind: 'struct', values: fields.map(({ value }) => value.bound), type },
    members: { kind: 'struct', fields },
  };
}
