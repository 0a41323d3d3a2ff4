import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ByteRange } from '../../../src/core/blob.ts';
import { maxParts, selectRanges, type Selection } from '../../../src/http/bytes/ranges.ts';

const huge = '9'.repeat(10_000);

describe('A Range selects', () => {
  test.each<[string | undefined, number, string]>([
    // RFC 9110 §14.1.2, of 10000 bytes
    ['bytes=0-499', 10_000, '0-499'],
    ['bytes=500-999', 10_000, '500-999'],
    ['bytes=-500', 10_000, '9500-9999'],
    ['bytes=9500-', 10_000, '9500-9999'],
    ['bytes=0-0,-1', 10_000, '0-0 9999-9999'],
    ['bytes= 0-999, 4500-5499, -1000', 10_000, 'whole'],
    ['bytes=0-999, 4500-5499, -1000', 10_000, '0-999 4500-5499 9000-9999'],
    ['bytes=500-600,601-999', 10_000, '500-600 601-999'],
    ['bytes=500-700,601-999', 10_000, '500-999'],
    // one range
    [undefined, 10, 'whole'],
    ['bytes=0-0', 10, '0-0'],
    ['bytes=0-1', 10, '0-1'],
    ['bytes=0-', 10, '0-9'],
    ['bytes=9-', 10, '9-9'],
    ['bytes=9-9', 10, '9-9'],
    ['bytes=3-99', 10, '3-9'],
    ['bytes=000000-0000000001', 10, '0-1'],
    ['bytes=-1', 10, '9-9'],
    ['bytes=-10', 10, '0-9'],
    ['bytes=-11', 10, '0-9'],
    ['BYTES=1-2', 10, '1-2'],
    // several, in the order asked for
    ['bytes=8-9,0-1', 10, '8-9 0-1'],
    ['bytes=8-9,0-1,9-', 10, '8-9 0-1'],
    ['bytes=4-5,0-1,1-4', 10, '0-5'],
    ['bytes=8-9,4-5,0-1,1-4', 10, '8-9 0-5'],
    ['bytes=0-1,0-1,0-1', 10, '0-1'],
    ['bytes=0-1,20-30', 10, '0-1'],
    ['bytes=20-30,-0,5-6', 10, '5-6'],
    // white space and empty elements of a list
    ['bytes=0-0 ,\t2-2\t,  4-4', 10, '0-0 2-2 4-4'],
    ['bytes=,0-0,,2-2,', 10, '0-0 2-2'],
    ['bytes=, 0-0', 10, '0-0'],
    ['bytes=\t, 0-0', 10, '0-0'],
    ['bytes=,', 10, 'whole'],
    ['bytes=, ,\t,', 10, 'whole'],
    // none inside
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20,30-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=0-0', 0, 'unsatisfiable'],
    ['bytes=-0', 0, 'unsatisfiable'],
    ['bytes=-5', 0, 'whole'],
    // absurd numbers
    [`bytes=0-${huge}`, 10, '0-9'],
    [`bytes=-${huge}`, 10, '0-9'],
    [`bytes=${huge}-`, 10, 'unsatisfiable'],
    [`bytes=${huge}-${huge}`, 10, 'unsatisfiable'],
    [`bytes=${huge}1-${huge}`, 10, 'whole'],
    ['bytes=9007199254740993-9007199254740992', 10, 'whole'],
    ['bytes=9007199254740992-9007199254740993', 10, 'unsatisfiable'],
    ['bytes=9007199254740990-', Number.MAX_SAFE_INTEGER, '9007199254740990-9007199254740990'],
    // not valid: ignored as a whole
    ['', 10, 'whole'],
    ['bytes', 10, 'whole'],
    ['bytes=', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=--1', 10, 'whole'],
    ['bytes=1', 10, 'whole'],
    ['bytes=5-4', 10, 'whole'],
    ['bytes=20-19', 10, 'whole'],
    ['bytes=0-1,5-4', 10, 'whole'],
    ['bytes=0-1,x', 10, 'whole'],
    ['bytes=0-1;2-3', 10, 'whole'],
    ['bytes=0-1 2-3', 10, 'whole'],
    ['bytes=0 - 1', 10, 'whole'],
    ['bytes =0-1', 10, 'whole'],
    [' bytes=0-1', 10, 'whole'],
    ['bytes=0x0-0x1', 10, 'whole'],
    ['bytes=1e0-2', 10, 'whole'],
    ['bytes=+0-1', 10, 'whole'],
    ['bytes=0-1.5', 10, 'whole'],
    ['bytes=\u00a00-1', 10, 'whole'],
    ['bytes=0-1\v', 10, 'whole'],
    ['bytes=0-1, bytes=2-3', 10, 'whole'],
    ['bytes:0-1', 10, 'whole'],
    // other units
    ['items=0-1', 10, 'whole'],
    ['none', 10, 'whole'],
    ['seconds=1-2', 10, 'whole'],
  ])('%s of %d bytes: %s', (field, sizeBytes, expected) => {
    expect(written(selectRanges(field, sizeBytes))).toBe(expected);
  });

  test('the whole instead of more parts than an answer may have', () => {
    const apart = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, k) => `${k * 2}-${k * 2}`).join(',')}`;
    expect(selectRanges(apart(maxParts), 1_000_000)).toHaveLength(maxParts);
    expect(selectRanges(apart(maxParts + 1), 1_000_000)).toBe('whole');
  });

  test('one range of many that all overlap', () => {
    const nested = Array.from({ length: 2000 }, (_, k) => `${k}-`).join(',');
    expect(written(selectRanges(`bytes=${nested}`, 5000))).toBe('0-4999');
  });

  test('what a plain reading of the standard selects, whatever is sent', () => {
    fc.assert(
      fc.property(anyField, fc.nat({ max: 30 }), (field, sizeBytes) => {
        expect(written(selectRanges(field, sizeBytes))).toBe(written(reference(field.trimEnd(), sizeBytes)));
      }),
      { numRuns: 3000 },
    );
  });
});

function written(selection: Selection): string {
  return typeof selection === 'string'
    ? selection
    : selection.map(({ start, end }) => `${start}-${end}`).join(' ');
}

const position = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 35 }).map(String) },
  fc.bigInt({ min: 0n }).map(String),
);
const spec = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(position, position)
      .map(([a, b]) => (BigInt(a) > BigInt(b) ? `${b}-${a}` : `${a}-${b}`)),
  },
  { weight: 2, arbitrary: position.map((a) => `${a}-`) },
  { weight: 2, arbitrary: position.map((a) => `-${a}`) },
  fc.constantFrom('', '-', '5-2', 'x', '1', '1-2-3'),
);
const comma = fc.constantFrom(',', ', ', ' ,', '\t,\t', ',,');
const wellMeant = fc
  .array(fc.tuple(spec, comma), { minLength: 1, maxLength: 24 })
  .map(
    (pairs) => `bytes=${pairs.map(([one, then], k) => (k === pairs.length - 1 ? one : one + then)).join('')}`,
  );
const alphabet = fc.constantFrom(...'bytes=0123456789-, \t');
const anyField = fc.oneof(
  { weight: 8, arbitrary: wellMeant },
  fc.string(),
  fc.string({ unit: alphabet }).map((set) => `bytes=${set}`),
);

/** The grammar of §14.1.1 spelled out, and one byte at a time. */
function reference(field: string, sizeBytes: number): Selection {
  const element = String.raw`(?:\d+-\d*|-\d+)?`;
  const grammar = new RegExp(String.raw`^bytes=${element}(?:[ \t]*,[ \t]*${element})*$`, 'i');
  const asked = [...field.slice(6).matchAll(/(\d*)-(\d*)/g)].map(([, first = '', last = '']) => ({
    first,
    last,
  }));
  if (!grammar.test(field) || asked.length === 0) return 'whole';
  if (asked.some(({ first, last }) => first !== '' && last !== '' && BigInt(first) > BigInt(last)))
    return 'whole';

  const sets = asked.map(({ first, last }) => {
    const bytes = Array.from({ length: sizeBytes }, (_, place) => place);
    if (first === '') return bytes.filter((place) => BigInt(place) >= BigInt(sizeBytes) - BigInt(last));
    return bytes.filter((place) => place >= Number(first) && (last === '' || BigInt(place) <= BigInt(last)));
  });
  const wanted = sets.filter((set) => set.length > 0);
  if (wanted.length === 0) {
    return sizeBytes === 0 && asked.some(({ first, last }) => first === '' && BigInt(last) > 0n)
      ? 'whole'
      : 'unsatisfiable';
  }
  const parts = connected(wanted);
  return parts.length > maxParts ? 'whole' : parts;
}

/** Joins sets that share a byte until none do; the joined one stays at the place of its first. */
function connected(sets: number[][]): ByteRange[] {
  for (const [a, one] of sets.entries()) {
    const b = sets.findIndex((other, place) => place > a && other.some((byte) => one.includes(byte)));
    if (b < 0) continue;
    const joined = [...new Set([...one, ...sets[b]!])].sort((x, y) => x - y);
    return connected(
      sets.map((set, place) => (place === a ? joined : set)).filter((_, place) => place !== b),
    );
  }
  return sets.map((set) => ({ start: set[0]!, end: set.at(-1)! }));
}
