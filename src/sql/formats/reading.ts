// What a query wants of the records that it reads, and how they could be read.

/** How many records were read from their bytes, and how many had to be parsed as a whole. */
export interface JsonCounts {
  fromBytes: number;
  asWhole: number;
}

export function noJsonCounts(): JsonCounts {
  return { fromBytes: 0, asWhole: 0 };
}

export interface Reading {
  /** The columns that are looked at; the others must only be of their type. Undefined: all. */
  readonly wanted?: ReadonlySet<string> | undefined;
  /** Where records in JSON are counted. */
  readonly counts?: JsonCounts | undefined;
}
