// Protobuf payloads. protobufjs parses the .proto texts and knows the wire; what its messages hold becomes plain values in
// protobuf-values.ts. A payload says which message of its file it is, so one codec reads all of them.
import { wellKnownProto } from '../schemas/index.ts';
import protobuf from 'protobufjs';
import { ByteWriter, messageOf } from '../util/index.ts';
import { readMessageIndexes, writeMessageIndexes } from './envelope.ts';

import { type MessageValues, messageValues } from './protobuf-values.ts';
import type { Codec, Decoder } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { DeserializationError, SerializationError } from './serde.ts';

interface MessageOfFile {
  readonly path: readonly number[];
  readonly fullName: string;
}

interface Written {
  readonly recordName: string;
  readonly lead: Uint8Array;
  readonly values: MessageValues;
}

export class ProtobufCodec<T> implements Codec<T> {
  readonly #root: protobuf.Root;
  readonly #messages: readonly MessageOfFile[];
  readonly #messageName: string | undefined;
  readonly #values = new Map<string, MessageValues>();
  #written: Written | undefined;

  constructor({ schema, references }: ResolvedSchema, messageName?: string) {
    this.#messageName = messageName;
    try {
      this.#messages = messagesOf(schema);
      this.#root = rootOf([...references.map((reference) => reference.schema), schema]);
    } catch (error) {
      throw new SerializationError(`invalid Protobuf schema: ${messageOf(error)}`, error);
    }
  }

  get recordName(): string {
    return this.#writes().recordName;
  }

  get lead(): Uint8Array {
    return this.#writes().lead;
  }

  encode(value: T, out: ByteWriter): void {
    const { type, toMessage } = this.#writes().values;
    const message = toMessage(value, '');
    try {
      out.bytes(type.encode(message).finish());
    } catch (error) {
      throw new SerializationError(
        `the value can't be written as ${type.fullName.slice(1)}: ${messageOf(error)}`,
        error,
      );
    }
  }

  decode(bytes: Buffer, start: number, end: number): T {
    const { path, end: payload } = readMessageIndexes(bytes, start, end);
    return this.#decodeAs(this.#nameAt(path), bytes, payload, end);
  }

  /** Fields by their numbers, as those of the message with the same name, else of the one that is written: names may change. */
  decoderOf(writer: this): Decoder<T> {
    return {
      decode: (bytes, start, end) => {
        const { path, end: payload } = readMessageIndexes(bytes, start, end);
        const written = writer.#nameAt(path);
        const isKnown = this.#messages.some(({ fullName }) => fullName === written);
        return this.#decodeAs(isKnown ? written : this.#writes().recordName, bytes, payload, end);
      },
    };
  }

  #decodeAs(name: string, bytes: Buffer, payload: number, end: number): T {
    const { type, toValue } = this.#valuesOf(name);
    const reader = protobuf.Reader.create(bytes);
    reader.pos = payload;
    reader.len = end;
    reader.discardUnknown = true;
    try {
      const message = type.decode(reader);
      return toValue(message as unknown as Record<string, unknown>) as T;
    } catch (error) {
      throw new DeserializationError(`the bytes are not a ${name}: ${messageOf(error)}`, error);
    }
  }

  /** The message that is written is looked for when it is needed: a schema that is only read may not have it. */
  #writes(): Written {
    if (this.#written === undefined) {
      const wanted = this.#messageName;
      const found = this.#messages.find(
        ({ fullName }) => wanted === undefined || fullName === wanted || fullName.endsWith(`.${wanted}`),
      );
      if (found === undefined) {
        throw new SerializationError(`the Protobuf schema has no message${wanted === undefined ? '' : ` ${wanted}`}`);
      }
      const lead = new ByteWriter(8);
      writeMessageIndexes(found.path, lead);
      this.#written = { recordName: found.fullName, lead: lead.copy(), values: this.#valuesOf(found.fullName) };
    }
    return this.#written;
  }

  #nameAt(path: readonly number[]): string {
    const found = this.#messages.find(
      (message) => message.path.length === path.length && message.path.every((index, i) => index === path[i]),
    );
    if (found !== undefined) return found.fullName;
    throw new DeserializationError(`the Protobuf schema has no message at [${path.join(', ')}]`);
  }

  #valuesOf(fullName: string): MessageValues {
    let values = this.#values.get(fullName);
    if (values === undefined) {
      values = messageValues(this.#root.lookupType(fullName));
      this.#values.set(fullName, values);
    }
    return values;
  }
}

/** The messages of a file, outer before inner, in the order of the text: a path counts messages as they are declared. */
function messagesOf(text: string): MessageOfFile[] {
  const { root, package: packageName } = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  const found: MessageOfFile[] = [];
  const visit = (scope: protobuf.NamespaceBase, path: readonly number[]): void => {
    const messages = scope.nestedArray.filter((nested) => nested instanceof protobuf.Type && !isGroup(nested));
    for (const [i, message] of messages.entries()) {
      const own = [...path, i];
      found.push({ path: own, fullName: message.fullName.slice(1) });
      visit(message as protobuf.Type, own);
    }
  };
  const scope = packageName === undefined ? root : root.lookup(packageName);
  if (scope instanceof protobuf.Namespace) visit(scope, []);
  return found;
}

/** A group declares its message where it is a field; it has no place of its own in the file. */
function isGroup(type: protobuf.Type): boolean {
  return (type as protobuf.Type & { readonly group?: boolean }).group === true;
}

/** All files in one tree of names, and with them the well-known ones that they import. */
function rootOf(texts: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  const known = new Set<string>();
  const addKnown = (imports: readonly string[] | undefined): void => {
    for (const name of imports ?? []) {
      const file = known.has(name) ? undefined : wellKnownProto(name);
      known.add(name);
      if (file === undefined) continue;
      addKnown(protobuf.parse(file, root, { keepCase: true }).imports);
    }
  };
  for (const text of texts) {
    const { imports, weakImports } = protobuf.parse(text, root, { keepCase: true });
    addKnown(imports);
    addKnown(weakImports);
  }
  root.resolveAll();
  return root;
}
