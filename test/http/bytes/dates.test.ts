import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatHttpDate, parseHttpDate } from '../../../src/http/bytes/dates.ts';

const nowMs = Date.UTC(2026, 5, 15);
const iso = (text: string) => {
  const ms = parseHttpDate(text, nowMs);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('An HTTP date', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
    ['Wed Nov 16 08:49:37 1994', '1994-11-16T08:49:37.000Z'],
    ['Thu, 29 Feb 2024 00:00:00 GMT', '2024-02-29T00:00:00.000Z'],
    ['Sat, 31 Dec 2016 23:59:60 GMT', '2017-01-01T00:00:00.000Z'],
    ['Sun, 06 Nov 0050 08:49:37 GMT', '0050-11-06T08:49:37.000Z'],
    ['Monday, 15-Jun-76 00:00:00 GMT', '2076-06-15T00:00:00.000Z'],
    ['Monday, 16-Jun-76 00:00:00 GMT', '1976-06-16T00:00:00.000Z'],
    ['Friday, 31-Dec-99 00:00:00 GMT', '1999-12-31T00:00:00.000Z'],
  ])('is read: %s', (text, expected) => {
    expect(iso(text)).toBe(expected);
  });

  test.each([
    '',
    '0',
    '2024-01-31',
    '1706702400',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 23:60:00 GMT',
    'Sun, 06 Nov 1994 23:59:61 GMT',
    'Wed, 30 Feb 2022 00:00:00 GMT',
    'Wed, 29 Feb 2023 00:00:00 GMT',
    'Wed, 00 Jan 2023 00:00:00 GMT',
    'Wed, 32 Jan 2023 00:00:00 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
  ])('is not: %s', (text) => {
    expect(parseHttpDate(text, nowMs)).toBeUndefined();
  });

  test('is read back as it was written, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
        expect(parseHttpDate(formatHttpDate(ms), nowMs)).toBe(Math.floor(ms / 1000) * 1000);
      }),
    );
  });
});
