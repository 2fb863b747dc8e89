import { type AvroNode, parseStoredAvro } from '../schemas/index.ts';
import { messageOf } from '../util/index.ts';
import { type Codec, type RegisteredSerde, type RegistryOptions, registrySerde } from './registry-serde.ts';
import type { ResolvedSchema } from './schema-source.ts';
import { SerializationError } from './serde.ts';

/** An Avro schema as JSON: the name of a primitive, a union as an array, or an object. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [key: string]: unknown };

/** Loads the Avro library (when it is first needed: it costs a start 20 ms), and returns what makes codecs. */
export async function loadAvro(): Promise<<T>(schema: ResolvedSchema) => Codec<T>> {
  const { AvroCodec } = await import('./avro-codec.ts');
  return <T>(resolved: ResolvedSchema) => new AvroCodec<T>(parsed(resolved));
}

function parsed(resolved: ResolvedSchema): AvroNode {
  try {
    return parseStoredAvro(resolved);
  } catch (error) {
    throw new SerializationError(`invalid Avro schema: ${messageOf(error)}`, error);
  }
}

/**
 * Values in Avro's binary encoding: records are objects, longs numbers while they are safe integers and bigints beyond,
 * bytes Buffers, and values of ambiguous unions objects with the branch's name (`{ string: 'x' }`). A value that does not fit
 * gives a `SerializationError` that names the field.
 *
 * `schema` is what is written and what is read into, by Avro's schema resolution: whatever version a value was written with,
 * it has the fields of this one. A version for which that can't be gives a `DeserializationError` that says why. Without a
 * `schema` (or one that `useLatestVersion` and its like choose) the serde only reads, and values are as they were written;
 * so are topics read that hold records of several names.
 */
export function avroSerde<T>(
  options: RegistryOptions & { readonly schema?: AvroSchema | undefined },
): RegisteredSerde<T> {
  const { schema } = options;
  const text = schema === undefined ? undefined : JSON.stringify(schema);
  return registrySerde<T>({ name: 'AVRO', schemaType: 'AVRO', load: loadAvro }, text, options);
}
