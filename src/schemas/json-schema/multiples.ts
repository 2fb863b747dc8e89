// `multipleOf` in decimals: 0.3 is a multiple of 0.1, whatever doubles make of it.

type MultipleChange = 'ADDED' | 'REMOVED' | 'REDUCED' | 'EXPANDED' | 'CHANGED';

export function compareMultiples(original: number | undefined, update: number | undefined): MultipleChange | undefined {
  if (original === update) return undefined;
  if (original === undefined) return 'ADDED';
  if (update === undefined) return 'REMOVED';
  if (isMultiple(update, original)) return 'EXPANDED';
  return isMultiple(original, update) ? 'REDUCED' : 'CHANGED';
}

function isMultiple(value: number, of: number): boolean {
  if (of === 0) return false;
  const [a, scaleA] = decimal(value);
  const [b, scaleB] = decimal(of);
  const scale = Math.max(scaleA, scaleB);
  return (a * 10n ** BigInt(scale - scaleA)) % (b * 10n ** BigInt(scale - scaleB)) === 0n;
}

/** The value as digits and how many of them are behind the point (never fewer than none). */
function decimal(value: number): [digits: bigint, scale: number] {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? [digits, scale] : [digits * 10n ** BigInt(-scale), 0];
}
