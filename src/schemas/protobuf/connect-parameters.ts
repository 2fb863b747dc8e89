import type { ProtoOption, ProtoValue } from './ast.ts';

/** What Connect says beside a field's type: `[(confluent.field_meta) = { params: [{ key: "scale", value: "2" }] }]`. */
export function connectParameters(options: readonly ProtoOption[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const add = (value: ProtoValue): void => {
    if (value.kind === 'list') value.values.forEach(add);
    if (value.kind !== 'message') return;
    const text = (name: string): string | undefined => {
      const found = value.fields.find((field) => field.name === name)?.value;
      return found?.kind === 'string' ? Buffer.from(found.bytes, 'latin1').toString('utf8') : undefined;
    };
    const key = text('key');
    if (key !== undefined) parameters.set(key, text('value') ?? '');
  };
  for (const { name, value } of options) {
    if (!name[0]!.extension || !/(^|\.)field_meta$/.test(name[0]!.name)) continue;
    if (name[1]?.name === 'params') add(value);
    else if (name.length === 1 && value.kind === 'message') {
      for (const field of value.fields) if (field.name === 'params') add(field.value);
    }
  }
  return parameters;
}
