import { MillraceError } from '../util/index.ts';

/** A statement, a query or a row that the SQL service refused, or could not go on with. */
export class SqlError extends MillraceError {
  /** The name of the class. */
  override readonly name: string = 'SqlError';
  /** ksqlDB's number for it: the HTTP status times 100, and a number (40001: the statement is at fault). */
  readonly errorCode: number;
  /** Where in the text that was sent, from 1; undefined where the service named no place. */
  readonly position: { readonly line: number; readonly column: number } | undefined;
  /** The statement that it is about, where the service named it. */
  readonly statement: string | undefined;

  constructor(errorCode: number, message: string, statement?: string) {
    super('SQL_REFUSED', message);
    this.errorCode = errorCode;
    const place = /line:? (\d+)(?::|, Col: )(\d+)/i.exec(message);
    this.position = place === null ? undefined : { line: Number(place[1]), column: Number(place[2]) };
    this.statement = statement === '' ? undefined : statement;
  }
}

/** Rows that were not inserted. Those that are not named here were. */
export class InsertError extends SqlError {
  /** The name of the class. */
  override readonly name = 'InsertError';
  /** Which of the given rows, from 0, and why. */
  readonly refused: readonly { readonly index: number; readonly message: string }[];
  /** How many rows were inserted. */
  readonly inserted: number;

  constructor(errorCode: number, inserted: number, refused: InsertError['refused']) {
    const [first] = refused;
    const others = refused.length === 1 ? '' : ` (and ${refused.length - 1} more)`;
    super(errorCode, `Row ${first!.index} was refused${others}: ${first!.message}`);
    this.inserted = inserted;
    this.refused = refused;
  }
}
