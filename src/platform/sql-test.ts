// Statements tried on records from files, without anything that runs: what `millrace sql test` does.
import { readFileSync } from 'node:fs';
import { type GivenSettings, messageOf, MillraceError } from '../util/index.ts';

/** The paths of the files of a test. */
export interface SqlTestFiles {
  /** Statements in SQL. */
  readonly statements: string;
  /** Records that go in; undefined: the statements insert what there is. */
  readonly inputs: string | undefined;
  /** Records that are expected. */
  readonly outputs: string;
  /** Settings of SQL, as the service takes them. */
  readonly settings: GivenSettings;
  /** Called with what somebody who runs the test may want to know. */
  readonly log: (message: string) => void;
}

/** Resolves with what is not as expected; undefined when all is. */
export async function testSqlFiles({
  statements,
  inputs,
  outputs,
  ...options
}: SqlTestFiles): Promise<string | undefined> {
  const { recordsIn, testStatements } = await import('../sql/index.ts');
  return testStatements({
    ...options,
    statements: read(statements),
    inputs: inputs === undefined ? [] : recordsIn(read(inputs), 'inputs', inputs),
    outputs: recordsIn(read(outputs), 'outputs', outputs),
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new MillraceError('FILE_UNREADABLE', `${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
