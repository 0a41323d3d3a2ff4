import fc from 'fast-check';
import { clients, written } from './clients.ts';

/** One character a byte. */
export interface RawForm {
  readonly body: string;
  readonly contentType: string;
  readonly boundary: string;
}

const few = <T>(...values: T[]) => fc.constantFrom(...values);
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 25, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: few(...others) });
const seldom = <T>(...others: T[]) => often<T | null>(null, ...others);
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

const word = fc.oneof(
  few('file', 'image', 'files[]', 'tags', 'sha256', 'constructor', '__proto__', 'toString'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map(utf8),
  fc.string({ unit: few(...'a.[]"\\%20A; =/\xe4\xff'), maxLength: 6 }),
);
const filename = fc.oneof(few('a.jpg', utf8('é 東.jpg'), '.', '..', 'a/b', '%22', '50%', "a'b"), word);
const textTypes = [
  'text/plain',
  'text/plain; charset=utf-8',
  'text/plain;charset=latin1',
  'text/plain; charset=utf-16le',
];
const fieldType = often<string | null>(null, ...textTypes, 'text/html', 'application/octet-stream', 'a');
const fileType = often<string | null>(
  'image/jpeg',
  null,
  'IMAGE/PNG',
  ...textTypes,
  'application/octet-stream',
  'a',
);

const content = (boundary: string) =>
  fc.oneof(
    few('', 'abc', '\r\n', `\r\n--${boundary}x`, `\r\n-${boundary}`, `--${boundary}`, `\r--${boundary}--`),
    fc.string({ unit: 'binary', maxLength: 40 }).map(utf8),
    fc.string({ unit: few(...'\xe9\xff\x80a\0'), maxLength: 8 }),
  );

const part = (boundary: string, isFile: boolean) =>
  fc
    .record({
      kind: often('form-data', 'Form-Data', 'attachment'),
      name: word,
      filename,
      quote: often('"', '', "'"),
      space: often(' ', '', '  '),
      more: often('', `; filename*=utf-8''x`, '; a=b', ';', '; name="z"'),
      type: isFile ? fileType : fieldType,
      encoding: seldom('binary', '8bit', 'base64'),
      length: seldom('3', 'x'),
      twice: seldom('Content-Type: image/gif', 'content-disposition: form-data; name="z"', 'X: y'),
      lineEnd: often('\r\n', '\n', '\r', '\r\n '),
      colon: often(': ', ':', ' : ', ':\t'),
      behindBoundary: often('\r\n', '\n', ' \r\n', 'xx', '\r\n\r\n'),
      shuffled: fc.boolean(),
      content: content(boundary),
    })
    .map((odd) => {
      const { quote, space } = odd;
      const file = isFile ? `;${space}filename=${quote}${odd.filename}${quote}` : '';
      const lines = [
        `Content-Disposition${odd.colon}${odd.kind};${space}name=${quote}${odd.name}${quote}${file}${odd.more}`,
        ...(odd.type === null ? [] : [`content-type${odd.colon}${odd.type}`]),
        ...(odd.encoding === null ? [] : [`Content-Transfer-Encoding: ${odd.encoding}`]),
        ...(odd.length === null ? [] : [`Content-Length: ${odd.length}`]),
        ...(odd.twice === null ? [] : [odd.twice]),
      ];
      if (odd.shuffled) lines.reverse();
      return `--${boundary}${odd.behindBoundary}${lines.join(odd.lineEnd)}\r\n\r\n${odd.content}\r\n`;
    });

const boundaries = few('b', '----WebKitFormBoundary7MA4', '--', 'a:b', "x'()+_,-./:=?y", '0', 'Content-Type');

/** Forms with one file or two that are odd here and there, in what clients may well write and in what none does. */
export const oddForms: fc.Arbitrary<RawForm> = boundaries.chain((boundary) =>
  fc
    .tuple(
      fc.array(part(boundary, false), { maxLength: 2 }),
      part(boundary, true),
      often([], ['']).chain((more) => fc.tuple(...more.map(() => part(boundary, true)))),
      fc.array(part(boundary, false), { maxLength: 1 }),
      often(
        '\r\n',
        '',
        '\n',
        '\r\nx',
        `\r\n--${boundary}\r\nContent-Disposition: form-data; name="late"\r\n\r\nx\r\n--${boundary}--`,
      ),
    )
    .map(([before, file, more, after, tail]) => ({
      body: [...before, file, ...more, ...after, `--${boundary}--${tail}`].join(''),
      contentType: `multipart/form-data; boundary=${/^[\w'+.-]*$/.test(boundary) ? boundary : `"${boundary}"`}`,
      boundary,
    })),
);

/** Forms of real clients. */
export const clientForms: fc.Arbitrary<RawForm> = fc
  .tuple(few(...clients), fc.uint8Array({ maxLength: 60 }))
  .map(([client, file]) => {
    const { body, contentType } = written(client, file);
    return { body: body.toString('latin1'), contentType, boundary: client.boundary };
  });

const pieces = (boundary: string) =>
  few(
    ...[
      '',
      '\r\n',
      '\r',
      '\n',
      '--',
      `--${boundary}`,
      `\r\n--${boundary}`,
      `\r\n--${boundary}--`,
      `\r\n--${boundary}\r\n`,
      '\r\n\r\n',
    ],
    ...[
      '"',
      '\\',
      ';',
      ' ',
      '\t',
      '%22',
      '%',
      '*',
      '=',
      ':',
      '\0',
      '\xff',
      '\x7f',
      '[',
      ']',
      'filename=x',
      '; name="y"',
    ],
    ...['Content-Type: image/gif\r\n', 'Content-Disposition: form-data; name="z"\r\n', 'X: y\r\n'],
  );

/** Either, damaged in one or two places. */
export const damagedForms: fc.Arbitrary<RawForm> = fc
  .oneof(clientForms, oddForms)
  .chain(({ body, contentType, boundary }) => {
    const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    const change = fc.record({ at, drop: few(0, 0, 0, 1, 2, 5), insert: pieces(boundary) });
    const changed = (text: string, { at, drop, insert }: { at: number; drop: number; insert: string }) => {
      const start = Math.floor(at * text.length);
      return text.slice(0, start) + insert + text.slice(start + drop);
    };
    return fc
      .array(change, { minLength: 1, maxLength: 2 })
      .map((changes) => ({ body: changes.reduce(changed, body), contentType, boundary }));
  });
