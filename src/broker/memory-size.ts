// About what things take of memory.

/** An entry of a table, besides its texts. */
export const ENTRY_BYTES = 200;

export function textBytes(text: string | null): number {
  return text === null ? 0 : text.length * 2;
}
