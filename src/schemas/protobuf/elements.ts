// The parts of a .proto file: messages, their fields by number, oneofs, enums, services.
import type { ProtoEnum, ProtoExtend, ProtoField, ProtoFile, ProtoGroup, ProtoMessage, ProtoRange } from './ast.ts';
import { optionText } from './printer.ts';
import { childPath, ElementList, type SchemaElement } from '../elements.ts';

/** The key of the file itself. A message's key is its name without the package, with a slash before each part. */
export const FILE = '#';

export function protobufElements(file: ProtoFile): readonly SchemaElement[] {
  const list = new ElementList();
  list.add({
    kind: 'file',
    id: FILE,
    path: '',
    name: '',
    facts: {
      syntax: file.syntax,
      package: file.package,
      import: file.imports.map(({ path, kind }) => (kind === undefined ? path : `${kind} ${path}`)),
      option: file.options.map(optionText),
    },
    order: file.messages.map(({ name }) => name),
  });
  for (const message of file.messages) addMessage(list, message, undefined, '');
  for (const found of file.enums) addEnum(list, found, undefined, '');
  for (const extend of file.extends) addExtend(list, extend, undefined, '');
  for (const { name, options, methods } of file.services) {
    const parent = list.add({
      kind: 'service',
      id: name,
      path: name,
      name,
      facts: { option: options.map(optionText) },
    });
    for (const method of methods) {
      list.add({
        kind: 'rpc',
        id: method.name,
        parent,
        path: `${name}.${method.name}`,
        name: method.name,
        facts: {
          input: `${method.clientStreaming ? 'stream ' : ''}${method.input}`,
          output: `${method.serverStreaming ? 'stream ' : ''}${method.output}`,
          option: method.options.map(optionText),
        },
      });
    }
  }
  return list.elements;
}

/** What is declared in it follows it: the parent of all of that is the message. */
function addMessage(list: ElementList, message: ProtoMessage, parent: string | undefined, outer: string): void {
  const { name } = message;
  const path = childPath(outer, name);
  const key = list.add({
    kind: 'message',
    id: name,
    ...(parent === undefined ? {} : { parent }),
    path,
    name,
    facts: {
      reservation: message.reserved.flatMap(({ ranges, names }) => [...ranges.map(rangeText), ...names]),
      extension: message.extensions.flatMap(({ ranges }) => ranges.map(rangeText)),
      option: message.options.map(optionText),
    },
    order: message.messages.map((inner) => inner.name),
  });
  addMembers(list, message, key, path, undefined);
  for (const oneof of message.oneofs) {
    list.add({
      kind: 'oneof',
      id: oneof.name,
      parent: key,
      path: childPath(path, oneof.name),
      name: oneof.name,
      facts: { option: oneof.options.map(optionText) },
    });
    addMembers(list, oneof, key, path, oneof.name);
  }
  for (const inner of message.messages) addMessage(list, inner, key, path);
  for (const inner of message.enums) addEnum(list, inner, key, path);
  for (const extend of message.extends) addExtend(list, extend, key, path);
}

/** Fields go by their number, in a oneof or not. */
function addMembers(
  list: ElementList,
  { fields, groups }: { readonly fields: readonly ProtoField[]; readonly groups: readonly ProtoGroup[] },
  parent: string,
  path: string,
  oneof: string | undefined,
): void {
  for (const { label, mapKey, type, name, tag, options } of fields) {
    const plain = mapKey === undefined ? type : `map<${mapKey}, ${type}>`;
    list.add({
      kind: 'field',
      id: String(tag),
      parent,
      path: childPath(path, name),
      name,
      facts: {
        type: label === undefined ? plain : `${label} ${plain}`,
        number: String(tag),
        oneof,
        option: options.map(optionText),
      },
    });
  }
  for (const { label, tag, options, message } of groups) {
    list.add({
      kind: 'field',
      id: String(tag),
      parent,
      path: childPath(path, message.name.toLowerCase()),
      name: message.name.toLowerCase(),
      facts: {
        type: `${label === undefined ? '' : `${label} `}group ${message.name}`,
        number: String(tag),
        oneof,
        option: options.map(optionText),
      },
    });
    addMessage(list, message, parent, path);
  }
}

function addEnum(list: ElementList, found: ProtoEnum, parent: string | undefined, outer: string): void {
  const { name, constants, reserved, options } = found;
  list.add({
    kind: 'enum',
    id: name,
    ...(parent === undefined ? {} : { parent }),
    path: childPath(outer, name),
    name,
    facts: {
      constant: constants.map((constant) => {
        const own = constant.options.map(optionText);
        return `${constant.name} = ${constant.number}${own.length === 0 ? '' : ` [${own.join(', ')}]`}`;
      }),
      reservation: reserved.flatMap(({ ranges, names }) => [...ranges.map(rangeText), ...names]),
      option: options.map(optionText),
    },
  });
}

function addExtend(list: ElementList, extend: ProtoExtend, parent: string | undefined, outer: string): void {
  const id = `extend ${extend.type}`;
  const path = childPath(outer, `(${extend.type})`);
  const key = `${parent === undefined ? '' : `${parent}/`}${id}`;
  addMembers(list, extend, key, path, undefined);
}

function rangeText({ from, to }: ProtoRange): string {
  return from === to ? String(from) : `${from} to ${to}`;
}
