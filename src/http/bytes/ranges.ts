import type { ByteRange } from '../../core/blob.ts';

/** These ranges, in the order to send them; or all of it (200); or nothing, since none lies inside (416). */
export type Selection = readonly ByteRange[] | 'whole' | 'unsatisfiable';

/**
 * Against the many-small-ranges attack (RFC 9110 §17.15): ranges that overlap are sent as one, so an answer never carries
 * a byte twice, and a request that still needs more parts than this gets the whole instead, which costs one open.
 */
export const maxParts = 16;

/**
 * What a `Range` field asks of `sizeBytes` bytes (RFC 9110 §14.1.2, §14.2). A field with another unit, or with a single
 * range that is not valid, is ignored as a whole.
 */
export function selectRanges(field: string | undefined, sizeBytes: number): Selection {
  const specs = splitSpecs(field);
  const ranges = specs.map((spec) => readSpec(spec, sizeBytes));
  if (specs.length === 0 || ranges.includes('invalid')) return 'whole';

  const inside = ranges.filter((range) => typeof range === 'object');
  if (inside.length === 0) return 'unsatisfiable';
  // The last bytes of nothing are satisfiable, but no Content-Range can say so.
  if (sizeBytes === 0) return 'whole';

  const parts = mergeOverlapping(inside);
  return parts.length > maxParts ? 'whole' : parts;
}

// One class of characters, so that it stays linear; after it, `trim` can only meet the white space of the grammar.
// It may surround commas only, so it cannot come before a first range.
const bytesPattern = /^bytes=(?![\t ]+[\d-])([\d,\t -]*)$/i;

function splitSpecs(field: string | undefined): string[] {
  const set = bytesPattern.exec(field ?? '')?.[1] ?? '';
  // A list may have empty elements (§5.6.1.2).
  return set
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}

/** `sizeBytes` is below 2^53, so a position that Number rounds is outside before and after. */
function readSpec(spec: string, sizeBytes: number): ByteRange | 'outside' | 'invalid' {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === undefined || last === undefined || spec === '-') return 'invalid';
  if (first === '') return suffix(Number(last), sizeBytes);
  if (last !== '' && BigInt(last) < BigInt(first)) return 'invalid';
  if (Number(first) >= sizeBytes) return 'outside';
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { start: Number(first), end };
}

function suffix(length: number, sizeBytes: number): ByteRange | 'outside' {
  return length === 0 ? 'outside' : { start: Math.max(0, sizeBytes - length), end: sizeBytes - 1 };
}

/** Parts keep the order in which they were asked for (§15.3.7.2); a merged one stands where its first did. */
function mergeOverlapping(ranges: readonly ByteRange[]): ByteRange[] {
  const ascending = ranges.map((range, place) => ({ ...range, place })).sort((a, b) => a.start - b.start);
  const merged: typeof ascending = [];
  for (const next of ascending) {
    const before = merged.at(-1);
    if (before === undefined || next.start > before.end) {
      merged.push(next);
    } else {
      before.end = Math.max(before.end, next.end);
      before.place = Math.min(before.place, next.place);
    }
  }
  return merged.sort((a, b) => a.place - b.place).map(({ start, end }) => ({ start, end }));
}
