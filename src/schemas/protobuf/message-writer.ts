// Writes values of a known field: what stands before and behind each. The values themselves are their callers' business.
import { type ByteWriter, WIRE } from '../../util/index.ts';
import { type MessageField, wireOf } from './message-types.ts';
import { putDelimited, putTag } from './wire-writer.ts';

/** Appends a value. */
export type WriteValue<T> = (value: T, out: ByteWriter) => void;

/** Values of a field, each behind its tag; messages also behind their length, or in front of their group's end. */
export function tagged<T>({ number, type }: MessageField, write: WriteValue<T>): WriteValue<T> {
  const wire = wireOf(type);
  if (wire === WIRE.GROUP) {
    return (value, out) => {
      putTag(number, wire, out);
      write(value, out);
      putTag(number, WIRE.GROUP_END, out);
    };
  }
  if (type.kind === 'message') {
    return (value, out) => {
      putTag(number, wire, out);
      putDelimited(() => write(value, out), out);
    };
  }
  return (value, out) => {
    putTag(number, wire, out);
    write(value, out);
  };
}

/** All values of a repeated field: packed behind one tag where the field is so, else each behind its own. */
export function taggedList<T>(field: MessageField, write: WriteValue<T>): WriteValue<readonly T[]> {
  if (!field.isPacked) {
    const writeOne = tagged(field, write);
    return (values, out) => {
      for (const value of values) writeOne(value, out);
    };
  }
  return (values, out) => {
    if (values.length === 0) return;
    putTag(field.number, WIRE.BYTES, out);
    putDelimited(() => {
      for (const value of values) write(value, out);
    }, out);
  };
}
