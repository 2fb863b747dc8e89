// Which known name a misspelt one probably stands for.

/** Undefined when none is near enough: short names have many neighbours, so that fewer mistakes are taken for one. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const given = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(Math.min(3, Math.ceil(name.length / 2)), Math.floor(name.length / 3));
  for (const candidate of known) {
    if (candidate === name) continue;
    const distance = editDistance(given, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The same as a line to say behind that a name of SQL is not known; empty when none is near enough. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  if (nearest === undefined) return '';
  return `\nDid you mean ${/^[A-Z_][A-Z0-9_$.]*$/.test(nearest) ? nearest : `\`${nearest}\``}?`;
}

/** Letters that are added, missing, others, or changed places with the next one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1);
      const haveChangedPlaces = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (haveChangedPlaces) least = Math.min(least, before[j - 2]! + 1);
      current.push(least);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
