import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatStamp, parseStamp, stampClock, type Stamp } from '../../src/core/stamp.ts';

const writer = 'abcdefghijkl';
const times = fc.integer({ min: 0, max: 36 ** 8 });

/** A clock that shows these times one after the other, then stays at the last. */
function shows(readings: readonly number[]) {
  let at = 0;
  return () => readings[Math.min(at++, readings.length - 1)]!;
}

function isAscending(stamps: readonly Stamp[]): boolean {
  return stamps.every((stamp, at) => at === 0 || stamps[at - 1]! < stamp);
}

describe('The stamps of a clock', () => {
  test('grow, whatever the clock of the machine does: jump ahead, go back, stand still', () => {
    fc.assert(
      fc.property(fc.array(times, { minLength: 1, maxLength: 50 }), (readings) => {
        const clock = stampClock(shows(readings), writer);
        expect(isAscending(readings.map(() => clock.next()))).toBe(true);
      }),
    );
  });

  test('are greater than every stamp that was seen, even one from the future', () => {
    const seen = fc.record({ ms: times, counter: fc.integer({ min: 0, max: 36 ** 4 - 1 }) });
    fc.assert(
      fc.property(fc.array(fc.tuple(times, seen), { minLength: 1 }), (steps) => {
        const clock = stampClock(shows(steps.map(([now]) => now)), writer);
        for (const [, { ms, counter }] of steps) {
          const other = formatStamp(ms, counter, 'zzzzzzzzzzzz');
          clock.see(other);
          expect(clock.next() > other).toBe(true);
        }
      }),
    );
  });

  test('go on within a millisecond beyond what its counter can say', () => {
    const clock = stampClock(() => 5, writer);
    clock.see(formatStamp(5, 36 ** 4 - 2, 'other'));
    const stamps = [clock.next(), clock.next(), clock.next()];
    expect(isAscending(stamps)).toBe(true);
    expect(stamps.map((stamp) => parseStamp(stamp).ms)).toEqual([5, 6, 6]);
  });

  test('are not made smaller by an old stamp that is seen', () => {
    const clock = stampClock(() => 1000, writer);
    const first = clock.next();
    clock.see(formatStamp(1, 0, 'other'));
    expect(clock.next() > first).toBe(true);
  });
});

describe('A stamp as text', () => {
  test('sorts as time, then counter, then writer', () => {
    const part = fc.tuple(times, fc.integer({ min: 0, max: 36 ** 4 - 1 }), fc.constantFrom('a', 'b'));
    const compare = (a: unknown, b: unknown) => (a === b ? 0 : (a as number) < (b as number) ? -1 : 1);
    fc.assert(
      fc.property(part, part, (a, b) => {
        const byParts = compare(a[0], b[0]) || compare(a[1], b[1]) || compare(a[2], b[2]);
        expect(compare(formatStamp(...a), formatStamp(...b))).toBe(byParts);
      }),
    );
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 36 ** 4 - 1 }), (ms, counter) => {
        expect(parseStamp(formatStamp(ms, counter, writer))).toEqual({ ms, counter, writer });
      }),
    );
  });
});
