// Rows that came as Protobuf messages, in Protobuf's text form, decoded by protobufjs: not by what wrote them.
import protobuf from 'protobufjs';
import { asText, isObject, type Spec, type SpecObject } from '../qtt/spec-json.ts';

/** An answer whose rows are texts instead of bytes. */
export function withTexts(body: Spec): Spec {
  if (!Array.isArray(body)) return body;
  const rows = body as readonly Spec[];
  const header = rows.filter(isObject).find((row) => isObject(row['header']))?.['header'];
  const schema = isObject(header) ? asText(header['protoSchema']) : undefined;
  if (schema === undefined) return body;
  const root = protobuf.parse(schema, { keepCase: true }).root;
  root.resolveAll();
  const [type] = root.nestedArray.filter((each) => each instanceof protobuf.Type);
  return rows.map((row): Spec => {
    if (!isObject(row) || !isObject(row['row'])) return row;
    const bytes = Buffer.from(asText(row['row']['protobufBytes']) ?? '', 'base64');
    return { ...row, row: inOrder(textOf(type!, type!.decode(bytes), '')) };
  });
}

/** Expected rows, whose maps have their entries in any order. */
export function expectedInOrder(expected: Spec): Spec {
  if (!Array.isArray(expected)) return expected;
  return (expected as readonly Spec[]).map((row) => {
    const text = isObject(row) ? asText(row['row']) : undefined;
    return text === undefined ? row : ({ ...(row as SpecObject), row: inOrder(text) } as Spec);
  });
}

function textOf(type: protobuf.Type, message: object, indent: string): string {
  let text = '';
  for (const field of type.fieldsArray.toSorted((a, b) => a.id - b.id)) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = (message as Record<string, unknown>)[field.name];
    for (const each of field.repeated ? (value as unknown[]) : [value]) {
      const { resolvedType } = field;
      if (resolvedType instanceof protobuf.Type)
        text += `${indent}${field.name} {\n${textOf(resolvedType, each as object, `${indent}  `)}${indent}}\n`;
      else text += `${indent}${field.name}: ${scalar(each, field.type)}\n`;
    }
  }
  return text;
}

function scalar(value: unknown, type: string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('latin1'));
  if (type === 'double' && Number.isInteger(value)) return `${String(value)}.0`;
  return String(value);
}

/** Blocks and lines of one level, sorted. */
function inOrder(text: string): string {
  const blocks: string[] = [];
  let depth = 0;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    if (depth === 0) blocks.push(line);
    else blocks[blocks.length - 1] += `\n${line}`;
    if (line.endsWith('{')) depth++;
    if (line.trim() === '}') depth--;
  }
  return blocks.sort().join('\n');
}
