import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { createIds, isMediaId, mediaIdAt } from '../../src/core/clock.ts';

describe('The id of a media', () => {
  test('is 26 characters of 0-9 and a-v', () => {
    const ids = createIds(randomBytes);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 - 1 }), (ms) => {
        expect(ids.media(ms)).toMatch(/^[0-9a-v]{26}$/);
        expect(isMediaId(ids.media(ms))).toBe(true);
      }),
    );
  });

  test('sorts by time, and within a millisecond in the order in which they were made', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 100 }), (steps) => {
        const ids = createIds(randomBytes);
        let ms = 1_700_000_000_000;
        const made = steps.map((step) => ids.media((ms += step)));
        expect(made).toEqual([...made].sort());
        expect(new Set(made).size).toBe(made.length);
      }),
    );
  });

  test('does not run over when a thousand are made in one millisecond from the highest start', () => {
    const ids = createIds((count) => new Uint8Array(count).fill(255));
    const made = Array.from({ length: 1000 }, () => ids.media(7));
    expect(made).toEqual([...new Set(made)].sort());
    for (const id of made) expect(id.startsWith(mediaIdAt(7)) && id.length === 26).toBe(true);
  });

  test('lies between the bounds of its millisecond and of the next', () => {
    const ids = createIds(randomBytes);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (ms) => {
        const id = ids.media(ms);
        expect(mediaIdAt(ms) <= id && id < mediaIdAt(ms + 1)).toBe(true);
      }),
    );
  });

  test('is none of these', () => {
    for (const text of [
      '',
      'a'.repeat(25),
      'a'.repeat(27),
      'W'.repeat(26),
      'w'.repeat(26),
      `${'a'.repeat(26)}\n`,
    ])
      expect({ text, is: isMediaId(text) }).toEqual({ text, is: false });
  });
});

test('Random text has the asked length and every character about equally often', () => {
  const { random } = createIds(randomBytes);
  expect(random(0)).toBe('');
  const text = random(36_000);
  expect(text).toMatch(/^[0-9a-z]{36000}$/);
  for (const character of '0123456789abcdefghijklmnopqrstuvwxyz') {
    const count = text.split(character).length - 1;
    expect({ character, count, even: count > 700 && count < 1300 }).toMatchObject({ even: true });
  }
});

test('Random text never favours the characters that 256 leaves over', () => {
  const bytes = [255, 254, 253, 252, 0, 35];
  let at = 0;
  const { random } = createIds((count) =>
    Uint8Array.from({ length: count }, () => bytes[at++ % bytes.length]!),
  );
  expect(random(4)).toBe('0z0z');
});
