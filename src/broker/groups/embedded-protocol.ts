// What consumers in the classic protocol say to each other in bytes that the broker only hands on: what they read, and who gets
// what (KIP-429, 792, 881). Both begin with their version.
import {
  array,
  ByteReader,
  bytes,
  type Codec,
  type Field,
  FrameWriter,
  int32,
  string,
  struct,
  type Value,
} from '../../protocol/index.ts';

export const subscription = struct({
  topics: array(string()),
  userData: bytes().nullable(),
  ownedPartitions: array({ topic: string(), partitions: array(int32()) }).since(1),
  generationId: int32().since(2).default(-1),
  rackId: string().since(3).nullable(3),
});
export const assignment = struct({
  assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
  userData: bytes().nullable(),
});
export const LAST_EMBEDDED_VERSION = 3;

export type Subscription = Value<typeof subscription>;
export type EmbeddedAssignment = Value<typeof assignment>;

/** Newer versions begin as those that are known. Bytes that are something else throw. */
export function readSubscription(metadata: Buffer): Subscription {
  return readVersioned(subscription, metadata);
}

/** No bytes are no partitions. */
export function readAssignment(given: Buffer): EmbeddedAssignment {
  return given.length === 0 ? { assignedPartitions: [], userData: null } : readVersioned(assignment, given);
}

/** In the version in which the member has said what it reads. */
export function writeAssignment(metadata: Buffer, assigned: EmbeddedAssignment['assignedPartitions']): Buffer {
  const version = embeddedVersion(metadata);
  const out = new FrameWriter(64);
  out.int16(version);
  assignment.compile(version, false).write(out, { assignedPartitions: assigned, userData: null });
  return Buffer.concat(out.take());
}

function readVersioned<T>(schema: Field<T>, raw: Buffer): T {
  const codec = schema.compile(embeddedVersion(raw), false) as Codec<T>;
  return codec.read(new ByteReader(raw, 2));
}

function embeddedVersion(raw: Buffer): number {
  return Math.min(Math.max(0, new ByteReader(raw).int16()), LAST_EMBEDDED_VERSION);
}
