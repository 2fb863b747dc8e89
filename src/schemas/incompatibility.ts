/** Where a difference is, and what the two schemas have there, as a person calls it. */
export interface Place {
  readonly path: string;
  /** The constraint in question, where the language has one (`maxLength`). */
  readonly keyword?: string;
  readonly reader?: string | undefined;
  readonly writer?: string | undefined;
}

/** One difference that breaks a reader, as a provider found it. `{reader}` and `{writer}` stand for "new" or "old". */
export interface Incompatibility {
  readonly errorType: string;
  readonly description: string;
  readonly additionalInfo?: string;
  /** Only asked for when somebody wants to know. */
  readonly place: () => Place;
  /** What is wrong deeper inside, where the finding itself only says where it surfaces. */
  readonly causes?: () => readonly Incompatibility[];
}

export type CompatibilityPolicy = 'STRICT' | 'LENIENT';
