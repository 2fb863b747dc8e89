import { ProtobufCodec } from './protobuf-codec.ts';
import { type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';

export interface ProtobufOptions extends RegistryOptions {
  /**
   * The text of a .proto file, which is what is written, and what is read into, by the numbers of the fields; unknown ones are
   * left out. Without it the serde only reads, as was written. Google's well-known types are importable as they are.
   */
  readonly schema?: string | undefined;
  /**
   * The message that is written, with or without its package; nested: `Outer.Inner`. Default: the file's first. It is also what
   * messages are read as whose names the file does not have.
   */
  readonly messageName?: string | undefined;
}

/**
 * Values as Protobuf messages: plain objects whose members are named as in the .proto file (`user_id` stays `user_id`).
 * 64-bit integers are numbers while they are safe integers and bigints beyond, bytes Buffers, enums the names of their
 * values (a number that has no name stays one), maps objects. What is read has all fields but those whose absence means
 * something (messages, members of a oneof, `optional`), which are left out. A member that the message does not have, or a
 * value that does not fit, gives a `SerializationError` that names it.
 */
export function protobufSerde<T>(options: ProtobufOptions): RegisteredSerde<T> {
  const { schema, messageName } = options;
  const load = async () => (resolved: ResolvedSchema) => new ProtobufCodec<T>(resolved, messageName);
  return registrySerde<T>({ name: 'PROTOBUF', schemaType: 'PROTOBUF', load }, schema, options);
}
