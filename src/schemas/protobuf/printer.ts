// The canonical text of a .proto file, which is what the registry stores: two spaces of indent, no comments, declarations
// grouped by kind with an empty line between the groups.
import {
  CONSTANT_MAX,
  type ProtoConstant,
  type ProtoEnum,
  type ProtoExtend,
  type ProtoField,
  type ProtoFile,
  type ProtoGroup,
  type ProtoLabel,
  type ProtoMessage,
  type ProtoMethod,
  type ProtoOneof,
  type ProtoOption,
  type ProtoRange,
  type ProtoReserved,
  type ProtoService,
  type ProtoValue,
  TAG_MAX,
} from './ast.ts';

export function printProto(file: ProtoFile): string {
  const head: string[] = [];
  if (file.syntax !== undefined) head.push(`syntax = "${file.syntax}";`);
  if (file.package !== undefined) head.push(`package ${file.package};`);
  const plain = file.imports.filter(({ kind }) => kind !== 'public');
  const open = file.imports.filter(({ kind }) => kind === 'public');
  return grouped([
    head,
    [...plain, ...open].map(({ kind, path }) => `import ${kind === undefined ? '' : `${kind} `}${quote(path)};`),
    file.options.map(optionStatement),
    [...file.messages.map(message), ...file.enums.map(enumeration)],
    file.extends.map(extend),
    file.services.map(service),
  ]);
}

/** Groups of declarations with an empty line between them; each line ended. */
function grouped(groups: readonly (readonly string[])[]): string {
  return groups
    .filter((group) => group.length > 0)
    .map((group) => group.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function block(head: string, groups: readonly (readonly string[])[]): string {
  const body = grouped(groups);
  return body === '' ? `${head} {}` : `${head} {\n${indent(body)}}`;
}

/** Every line that is not empty two spaces to the right; a string never holds a line break, so this can't reach into one. */
function indent(text: string): string {
  // Plain texts are replaced faster than patterns: a line is moved again for each message around it.
  const moved = `  ${text.replaceAll('\n', '\n  ').replaceAll('\n  \n', '\n\n')}`;
  return moved.endsWith('\n  ') ? moved.slice(0, -2) : moved;
}

function message({ name, ...body }: ProtoMessage): string {
  return block(`message ${name}`, members(body));
}

function members(body: Omit<ProtoMessage, 'name'>): string[][] {
  return [
    body.reserved.map((statement) => reserved(statement, TAG_MAX)),
    body.options.map(optionStatement),
    body.fields.map(field),
    body.oneofs.map(oneof),
    body.groups.map(group),
    body.extensions.map(({ ranges, options }) => `extensions ${rangeList(ranges, TAG_MAX)}${optionList(options)};`),
    body.extends.map(extend),
    [...body.messages.map(message), ...body.enums.map(enumeration)],
  ];
}

function field({ label, mapKey, type, name, tag, options }: ProtoField): string {
  const written = mapKey === undefined ? type : `map<${mapKey}, ${type}>`;
  return `${labelText(label)}${written} ${name} = ${tag}${optionList(options)};`;
}

function group({ label, tag, options, message }: ProtoGroup): string {
  return block(`${labelText(label)}group ${message.name} = ${tag}${optionList(options)}`, members(message));
}

function labelText(label: ProtoLabel | undefined): string {
  return label === undefined ? '' : `${label} `;
}

function oneof({ name, options, fields, groups }: ProtoOneof): string {
  return block(`oneof ${name}`, [options.map(optionStatement), fields.map(field), groups.map(group)]);
}

function extend({ type, fields, groups }: ProtoExtend): string {
  return block(`extend ${type}`, [fields.map(field), groups.map(group)]);
}

function enumeration({ name, reserved: statements, options, constants }: ProtoEnum): string {
  return block(`enum ${name}`, [
    statements.map((statement) => reserved(statement, CONSTANT_MAX)),
    options.map(optionStatement),
    constants.map(constant),
  ]);
}

function constant({ name, number, options }: ProtoConstant): string {
  return `${name} = ${number}${optionList(options)};`;
}

function reserved({ ranges, names }: ProtoReserved, max: number): string {
  return `reserved ${names.length > 0 ? names.map(quote).join(', ') : rangeList(ranges, max)};`;
}

function rangeList(ranges: readonly ProtoRange[], max: number): string {
  return ranges
    .map(({ from, to }) => (from === to ? String(from) : `${from} to ${to === max ? 'max' : to}`))
    .join(', ');
}

function service({ name, options, methods }: ProtoService): string {
  return block(`service ${name}`, [options.map(optionStatement), methods.map(method)]);
}

function method({ name, input, output, clientStreaming, serverStreaming, options }: ProtoMethod): string {
  const from = `${clientStreaming ? 'stream ' : ''}${input}`;
  const to = `${serverStreaming ? 'stream ' : ''}${output}`;
  const head = `rpc ${name} (${from}) returns (${to})`;
  return options.length === 0 ? `${head};` : block(head, [options.map(optionStatement)]);
}

function optionStatement(option: ProtoOption): string {
  return `option ${optionText(option)};`;
}

/** Behind a declaration: one option on the same line, several on lines of their own. */
function optionList(options: readonly ProtoOption[]): string {
  if (options.length === 0) return '';
  if (options.length === 1) return ` [${optionText(options[0]!)}]`;
  return ` [\n${indent(options.map(optionText).join(',\n'))}\n]`;
}

/** `name = value`; also what options are sorted by. */
export function optionText({ name, value }: ProtoOption): string {
  return `${optionName(name)} = ${valueText(value)}`;
}

export function optionName(name: ProtoOption['name']): string {
  return name.map((part) => (part.extension ? `(${part.name})` : part.name)).join('.');
}

function valueText(value: ProtoValue): string {
  switch (value.kind) {
    case 'word':
      return value.text;
    case 'string':
      return quoteBytes(value.bytes);
    case 'list':
      return `[${value.values.map(valueText).join(', ')}]`;
    case 'message': {
      if (value.fields.length === 0) return '{}';
      const lines = value.fields.map((member) => `${member.name}: ${valueText(member.value)}`);
      return `{\n${indent(lines.join(',\n'))}\n}`;
    }
  }
}

function quote(text: string): string {
  return quoteBytes(Buffer.from(text, 'utf8').toString('latin1'));
}

/** Text stays text; what is not UTF-8 has all its bytes above ASCII escaped. */
function quoteBytes(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  const text = buffer.toString('utf8');
  return Buffer.from(text, 'utf8').equals(buffer)
    ? `"${text.replaceAll(/["\\\p{Cc}\u2028\u2029]/gu, (character) => escape(character, 'utf8'))}"`
    : `"${bytes.replaceAll(/["\\]|[^\x20-\x7e]/g, (character) => escape(character, 'latin1'))}"`;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escape(character: string, encoding: 'utf8' | 'latin1'): string {
  const known = ESCAPES[character];
  if (known !== undefined) return known;
  return [...Buffer.from(character, encoding)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
