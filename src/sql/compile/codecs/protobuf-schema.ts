import { refuse } from '../../errors.ts';
import type { CodecColumn } from './codec.ts';

/** The columns of a Protobuf message. */
export function protobufColumns(
  _schema: string,
  _message: string | undefined,
  _fold: (name: string) => string,
): CodecColumn[] {
  return refuse('Columns of Protobuf schemas can only be declared in the statement.');
}
