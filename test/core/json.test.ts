import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, type Json } from '../../src/core/json.ts';

const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

/** The same value with the members of every object the other way round. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}

describe('Canonical JSON', () => {
  test('is JSON of the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('does not depend on the order of members', () => {
    fc.assert(fc.property(json, (value) => expect(canonicalJson(turned(value))).toBe(canonicalJson(value))));
  });

  test('tells different values apart', () => {
    const values: Json[] = [
      null,
      0,
      1,
      '',
      'null',
      '0',
      false,
      [],
      {},
      [[]],
      [{}],
      { a: [] },
      { a: {} },
      ['a'],
      { '': 0 },
    ];
    expect(new Set(values.map(canonicalJson)).size).toBe(values.length);
  });

  test('sorts members by name, without white space', () => {
    expect(canonicalJson({ b: [1, 'x', null], a: { d: true, c: -5 }, A: 0 })).toBe(
      '{"A":0,"a":{"c":-5,"d":true},"b":[1,"x",null]}',
    );
  });

  test('holds an absent member and one that is null apart', () => {
    expect(canonicalJson({})).not.toBe(canonicalJson({ a: null }));
  });

  test.each([1.5, NaN, Infinity, 2 ** 53, -(2 ** 53)])(
    'refuses %p, which not every engine would read back the same',
    (value) => {
      expect(() => canonicalJson({ a: [value] })).toThrow(TypeError);
    },
  );
});
