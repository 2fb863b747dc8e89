// The code blocks of a page of the documentation, so that tests can do what its readers are told to type.

export interface Block {
  /** The language: `sql`, `ts`, `sh`; empty for what is shown as it is. */
  readonly kind: string;
  readonly text: string;
}

/** The fenced blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w*).*\n([^]*?)^```$/gm)].map(([, kind, text]) => ({ kind: kind!, text: text! }));
}
