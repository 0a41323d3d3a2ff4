import { validateHeaderValue } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentDisposition } from '../../../src/http/bytes/names.ts';

/** As a browser reads it: filename* when there is one. */
function suggested(header: string): string {
  const extended = /; filename\*=UTF-8''([^;]*)$/.exec(header)?.[1];
  return extended === undefined ? /; filename="([^"]*)"$/.exec(header)![1]! : decodeURIComponent(extended);
}

describe('The suggested file name', () => {
  test.each([
    ['cat.jpg', 'attachment; filename="cat.jpg"'],
    ['my cat (1).jpg', 'attachment; filename="my cat (1).jpg"'],
    ['Übung.jpg', `attachment; filename="Ubung.jpg"; filename*=UTF-8''%C3%9Cbung.jpg`],
    ['€ rates', `attachment; filename="_ rates"; filename*=UTF-8''%E2%82%AC%20rates`],
    ['猫.png', `attachment; filename="_.png"; filename*=UTF-8''%E7%8C%AB.png`],
    ['🐈.png', `attachment; filename="_.png"; filename*=UTF-8''%F0%9F%90%88.png`],
    ['a"b.jpg', `attachment; filename="a_b.jpg"; filename*=UTF-8''a%22b.jpg`],
    ['50%25.jpg', `attachment; filename="50_25.jpg"; filename*=UTF-8''50%2525.jpg`],
    ["it's*(1)é", `attachment; filename="it's*(1)e"; filename*=UTF-8''it%27s%2A%281%29%C3%A9`],
    ['a;b=c.jpg', 'attachment; filename="a;b=c.jpg"'],
    ['\u037e.jpg', `attachment; filename=";.jpg"; filename*=UTF-8''%CD%BE.jpg`],
  ])('of %j is written %s', (name, expected) => {
    expect(contentDisposition('attachment', name)).toBe(expected);
  });

  test.each([
    ['a\r\nSet-Cookie: x=1\r\n\r\n<script>.jpg', 'aSet-Cookie: x=1<script>.jpg'],
    ['a\0b\u007f\u0085.jpg', 'ab.jpg'],
    ['a\u2028b\u2029c.jpg', 'abc.jpg'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['..\\..\\boot.ini', '_.._boot.ini'],
    ['/', '_'],
    ['.', 'download'],
    ['..', 'download'],
    ['', 'download'],
    ['   ', 'download'],
    ['\r\n', 'download'],
    ['.bashrc', 'bashrc'],
    ['photo.jpg. . ', 'photo.jpg'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['\u2066a\u2069\u200fb\u061c.jpg', 'ab.jpg'],
    ['\ufeffa\u200bb.jpg', 'ab.jpg'],
    ['👩\u200d🚀.jpg', '👩\u200d🚀.jpg'],
    ['a\ud800b.jpg', 'a\ufffdb.jpg'],
    ['CON', '_CON'],
    ['nul.jpg', '_nul.jpg'],
    ['console.jpg', 'console.jpg'],
  ])('of %j is %j', (name, expected) => {
    expect(suggested(contentDisposition('attachment', name))).toBe(expected);
  });

  test('is cut to what a file system holds, in whole characters, and keeps its extension', () => {
    const name = suggested(contentDisposition('attachment', `${'🐈'.repeat(500)}.jpeg`));
    expect(name).toBe(`${'🐈'.repeat(62)}.jpeg`);
    expect(suggested(contentDisposition('attachment', 'é'.repeat(1000)))).toBe('é'.repeat(127));
    expect(suggested(contentDisposition('attachment', `a.${'b'.repeat(1000)}`))).toBe(`a.${'b'.repeat(253)}`);
  });

  test('is found in time that grows with the length, not with its square', () => {
    expect(suggested(contentDisposition('inline', `${'. '.repeat(1_000_000)}x`))).toBe('x');
    expect(suggested(contentDisposition('inline', `a${' '.repeat(2_000_000)}x.jpg`))).toBe(
      `a${' '.repeat(250)}.jpg`,
    );
  });

  test('never breaks the header or leaves its folder, whatever the client called the file', () => {
    const nasty = fc.string({
      unit: fc.constantFrom(...'\r\n\0\t"\\/%;=\'*.: aé\u202e\u2028\ud800\udc00猫'),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), nasty), (name) => {
        const header = contentDisposition('inline', name);
        validateHeaderValue('Content-Disposition', header);
        expect(header).toMatch(
          /^inline; filename="[ !#$&-[\]-~]+"(?:; filename\*=UTF-8''(?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})+)?$/,
        );
        const file = suggested(header);
        expect(file).not.toMatch(/[/\\\p{Cc}\p{Bidi_Control}]|^\.|^$/u);
        expect(Buffer.byteLength(file)).toBeLessThanOrEqual(256);
      }),
      { numRuns: 2000 },
    );
  });
});
