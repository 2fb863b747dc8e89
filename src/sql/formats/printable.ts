/** The text that bytes are; undefined when they are no UTF-8, or have characters that do not print. */
export function printableText(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  const hasControls = [...text].some((character) => character < ' ' && !'\t\r\n'.includes(character));
  return hasControls || text.includes('\uFFFD') ? undefined : text;
}
