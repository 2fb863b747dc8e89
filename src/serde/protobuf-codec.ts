// Protobuf payloads. The model of the language knows the .proto texts and the wire; what messages hold becomes plain values in
// protobuf-values.ts. A payload says which message of its file it is, so one codec reads all of them.
import {
  type DeclaredMessage,
  declaredMessages,
  linkProtobuf,
  messageNamed,
  type MessageType,
  WireReader,
} from '../schemas/index.ts';
import { ByteWriter, messageOf } from '../util/index.ts';
import { readMessageIndexes, writeMessageIndexes } from './envelope.ts';
import { type MessageValues, messageValues } from './protobuf-values.ts';
import type { Codec, Decoder } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { DeserializationError, SerializationError } from './serde.ts';

/** What messages are as values, where that is not the plain values of protobuf-values.ts. */
export interface MessageForm<T> {
  of(message: MessageType, plain: Readonly<Record<string, unknown>>): T;
  plain(message: MessageType, value: T): unknown;
}

const PLAIN: MessageForm<never> = { of: (_message, plain) => plain as never, plain: (_message, value) => value };

interface Written {
  readonly message: MessageType;
  readonly lead: Uint8Array;
  readonly values: MessageValues;
}

export class ProtobufCodec<T> implements Codec<T> {
  readonly #messages: readonly DeclaredMessage[];
  readonly #messageName: string | undefined;
  readonly #form: MessageForm<T>;
  readonly #reader = new WireReader();
  #written: Written | undefined;

  constructor({ schema, references }: ResolvedSchema, messageName?: string, form: MessageForm<T> = PLAIN) {
    this.#messageName = messageName;
    this.#form = form;
    try {
      this.#messages = declaredMessages(linkProtobuf(schema, references));
    } catch (error) {
      throw new SerializationError(`invalid Protobuf schema: ${messageOf(error)}`, error);
    }
  }

  get recordName(): string {
    return this.#writes().message.name;
  }

  recordNameOf(bytes: Buffer, start: number, end: number): string {
    return this.#messageAt(readMessageIndexes(bytes, start, end).path).name;
  }

  get lead(): Uint8Array {
    return this.#writes().lead;
  }

  encode(value: T, out: ByteWriter): void {
    const { message, values } = this.#writes();
    values.write(this.#form.plain(message, value), out);
  }

  decode(bytes: Buffer, start: number, end: number): T {
    const { path, end: payload } = readMessageIndexes(bytes, start, end);
    return this.#decodeAs(this.#messageAt(path), bytes, payload, end);
  }

  /** Fields by their numbers, as those of the message with the same name, else of the one that is written: names may change. */
  decoderOf(writer: this): Decoder<T> {
    return {
      decode: (bytes, start, end) => {
        const { path, end: payload } = readMessageIndexes(bytes, start, end);
        const written = writer.#messageAt(path);
        const known = this.#messages.find(({ message }) => message.name === written.name);
        return this.#decodeAs(known?.message ?? this.#writes().message, bytes, payload, end);
      },
    };
  }

  #decodeAs(message: MessageType, bytes: Buffer, payload: number, end: number): T {
    try {
      return this.#form.of(message, messageValues(message).read(this.#reader.reset(bytes, payload, end)));
    } catch (error) {
      throw new DeserializationError(`the bytes are not a ${message.name}: ${messageOf(error)}`, error);
    }
  }

  /** The message that is written is looked for when it is needed: a schema that is only read may not have it. */
  #writes(): Written {
    if (this.#written === undefined) {
      const wanted = this.#messageName;
      const found = messageNamed(this.#messages, wanted);
      if (found === undefined) {
        throw new SerializationError(`the Protobuf schema has no message${wanted === undefined ? '' : ` ${wanted}`}`);
      }
      const { message, path } = found;
      const lead = new ByteWriter(8);
      writeMessageIndexes(path, lead);
      this.#written = { message, lead: lead.copy(), values: messageValues(message) };
    }
    return this.#written;
  }

  #messageAt(path: readonly number[]): MessageType {
    const found = this.#messages.find(
      (declared) => declared.path.length === path.length && declared.path.every((index, i) => index === path[i]),
    );
    if (found !== undefined) return found.message;
    throw new DeserializationError(`the Protobuf schema has no message at [${path.join(', ')}]`);
  }
}
