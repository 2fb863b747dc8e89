/** The regular expression of a LIKE pattern: `%` is any text, `_` any character, what follows the escape is itself. */
export function likePattern(pattern: string, escape: string | undefined): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === escape && i + 1 < pattern.length) source += quote(pattern[++i]!);
    else if (char === '%') source += '.*';
    else if (char === '_') source += '.';
    else source += quote(char);
  }
  return new RegExp(`^${source}$`, 's');
}

function quote(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
}
