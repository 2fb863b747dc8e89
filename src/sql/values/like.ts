// LIKE, matched without going back: behind a `%`, the first place where the text up to the next `%` fits is as good as any
// later one. So a match takes at most (length of the text) × (length of the pattern) steps, whatever both are.

/** One character that has to stand there; null is any character. */
type Piece = readonly (string | null)[];

/** Whether a whole text is like the pattern: `%` is any text, `_` any character (code point), `escape` takes both as they are. */
export function likeMatcher(pattern: string, escape: string | undefined): (text: string) => boolean {
  const pieces: (string | null)[][] = [[]];
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === escape && i + 1 < chars.length) pieces.at(-1)!.push(chars[++i]!);
    else if (char === '%') pieces.push([]);
    else pieces.at(-1)!.push(char === '_' ? null : char);
  }
  const plain = pieces.map((piece) => (piece.includes(null) ? undefined : piece.join('')));
  if (plain.every((piece) => piece !== undefined)) return (text) => isLikePlain(text, plain);
  return (text) => isLike(Array.from(text), pieces);
}

/** Without `_`, the engine's own search does the work. */
function isLikePlain(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0]!;
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let from = first.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i]!;
    const found = text.indexOf(piece, from);
    if (found < 0 || found + piece.length > end) return false;
    from = found + piece.length;
  }
  return true;
}

function isLike(text: readonly string[], pieces: readonly Piece[]): boolean {
  const first = pieces[0]!;
  if (!fitsAt(text, first, 0)) return false;
  if (pieces.length === 1) return text.length === first.length;
  const last = pieces.at(-1)!;
  const end = text.length - last.length;
  if (end < first.length || !fitsAt(text, last, end)) return false;
  let from = first.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i]!;
    while (from + piece.length <= end && !fitsAt(text, piece, from)) from++;
    from += piece.length;
    if (from > end) return false;
  }
  return true;
}

function fitsAt(text: readonly string[], piece: Piece, at: number): boolean {
  if (at + piece.length > text.length) return false;
  return piece.every((char, i) => char === null || char === text[at + i]);
}
