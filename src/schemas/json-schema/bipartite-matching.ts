/**
 * Pairs every member of the smaller side with a partner of its own on the other side; undefined when that can't be
 * done. Preferred pairs are taken first, and given up only when a partner is needed elsewhere (augmenting paths).
 */
export function maximumMatching(
  left: number,
  right: number,
  fits: (l: number, r: number) => boolean,
  isPreferred: (l: number, r: number) => boolean,
  spend: () => void,
): [l: number, r: number][] | undefined {
  if (left > right) {
    const flipped = maximumMatching(
      right,
      left,
      (r, l) => fits(l, r),
      (r, l) => isPreferred(l, r),
      spend,
    );
    return flipped?.map(([r, l]) => [l, r] as [number, number]).sort(([a], [b]) => a - b);
  }
  const partners = Array.from({ length: left }, (_, l) =>
    Array.from({ length: right }, (_, r) => r).filter((r) => fits(l, r)),
  );
  const partnerOfLeft = Array.from({ length: left }, () => -1);
  const partnerOfRight = Array.from({ length: right }, () => -1);
  for (const wanted of [isPreferred, fits]) {
    for (let l = 0; l < left; l++) {
      if (partnerOfLeft[l] !== -1) continue;
      const free = partners[l]!.find((r) => partnerOfRight[r] === -1 && wanted(l, r));
      if (free === undefined) continue;
      partnerOfLeft[l] = free;
      partnerOfRight[free] = l;
    }
  }
  for (let l = 0; l < left; l++) {
    // Once one has no augmenting path it never gets one: the rest need not be tried.
    if (partnerOfLeft[l] === -1 && !augment(l)) return undefined;
  }
  return partnerOfLeft.map((r, l) => [l, r]);

  function augment(start: number): boolean {
    const reachedFrom = new Map<number, number>();
    const queue = [start];
    for (let l = queue.shift(); l !== undefined; l = queue.shift()) {
      for (const r of partners[l]!) {
        spend();
        if (reachedFrom.has(r)) continue;
        reachedFrom.set(r, l);
        if (partnerOfRight[r] !== -1) {
          queue.push(partnerOfRight[r]!);
          continue;
        }
        for (let to = r; ; ) {
          const from = reachedFrom.get(to)!;
          const previous = partnerOfLeft[from]!;
          partnerOfLeft[from] = to;
          partnerOfRight[to] = from;
          if (from === start) return true;
          to = previous;
        }
      }
    }
    return false;
  }
}
