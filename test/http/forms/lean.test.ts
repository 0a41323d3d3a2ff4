import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import multer from 'multer';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { receiveForm } from '../../../src/http/forms/form.ts';
import { readSmallForm, type SmallForm } from '../../../src/http/forms/lean.ts';
import { formLimits } from '../../../src/http/forms/limits.ts';
import { clients, otherClients, written, type Client } from './clients.ts';

const binary = (value: string) => Buffer.from(value, 'latin1');

/** A form with boundary `b` whose lines end as they should. */
const form = (body: string) => binary(body.replaceAll('\n', '\r\n'));
const read = (body: string) => readSmallForm(form(body), 'multipart/form-data; boundary=b');

const file =
  '--b\nContent-Disposition: form-data; name="file"; filename="a.jpg"\nContent-Type: image/jpeg\n\nBYTES\n';
const field = '--b\nContent-Disposition: form-data; name="sha256"\n\nabc\n';
const end = '--b--\n';

describe('The form of', () => {
  const bytes = Buffer.concat([randomBytes(1000), binary('\r\n--bound\r\n--\r\n\r\n'), randomBytes(1000)]);

  test.each(clients)('$client is read the quick way', (client) => {
    const { body, contentType } = written(client, bytes);
    const type = client.client === 'Python requests' ? undefined : 'image/jpeg';
    const small = readSmallForm(body, contentType)!;
    expect(small.fields).toEqual([{ name: 'sha256', value: 'abc', beforeFile: true }]);
    expect({ ...small.file, bytes: bytes.equals(small.file.bytes) }).toEqual({
      field: 'file',
      filename: 'a b.jpg',
      type,
      bytes: true,
    });
  });

  test('fetch is read the quick way', async () => {
    const data = new FormData();
    data.append('image', new File([bytes], 'Größe 東京 50%.png', { type: 'image/png' }));
    data.append('tags', 'été');
    data.append('tags', '');
    const response = new Response(data);
    const body = Buffer.from(await response.arrayBuffer());
    const small = readSmallForm(body, response.headers.get('content-type')!)!;
    expect(small.fields).toEqual([
      { name: 'tags', value: 'été', beforeFile: false },
      { name: 'tags', value: '', beforeFile: false },
    ]);
    expect(small.file).toMatchObject({ field: 'image', filename: 'Größe 東京 50%.png', type: 'image/png' });
    expect(bytes.equals(small.file.bytes)).toBe(true);
  });

  test.each(otherClients)('$client is left to the general parser', (client) => {
    const { body, contentType } = written(client, bytes);
    expect(readSmallForm(body, contentType)).toBeUndefined();
  });
});

describe('The bytes of the file', () => {
  test('are a view of the body', () => {
    const body = form(field + file + end);
    const { bytes } = readSmallForm(body, 'multipart/form-data; boundary=b')!.file;
    expect(bytes.buffer).toBe(body.buffer);
  });

  test('may be none, and may be anything that is not the boundary', () => {
    expect(read(file.replace('BYTES', '') + end)?.file.bytes).toHaveLength(0);
    for (const odd of ['\n', '\n\n', '\n--', '\n--a', 'a--b', '\r--b', '-', '\n-', '\0']) {
      expect(
        binary(odd.replaceAll('\n', '\r\n')).equals(read(file.replace('BYTES', odd) + end)!.file.bytes),
      ).toBe(true);
    }
  });
});

describe('What is not plainly the common case is left to the general parser:', () => {
  const named = (disposition: string) => file.replace(/form-data; name.*/, disposition);

  test.each<[string, string]>([
    ['no file', field + end],
    ['two files', file + file + end],
    ['no part', end],
    ['nothing', ''],
    ['text before the first boundary', `hello\n${file}${end}`],
    ['a line end before the first boundary', `\n${file}${end}`],
    ['text behind the last boundary', `${file}${end}hello`],
    ['no last boundary', file],
    ['half a last boundary', `${file}--b-`],
    ['a boundary with white space behind', `${file.replace('--b\n', '--b \n')}${end}`],
    ['a longer boundary in the file', file.replace('BYTES', 'BY\n--bb\nTES') + end],
    ['only line feeds', (file + end).replaceAll('\n', '\v')],
    ['a part without header', `--b\n\nabc\n${file}${end}`],
    ['a part without content', `${file.replace('\nBYTES\n', '\n')}${end}`],
    [
      'a header that does not end',
      `--b\nContent-Disposition: form-data; name="file"; filename="a.jpg"\n--b--\n`,
    ],
    ['a header of 3 kB', file.replace('a.jpg', `${'a'.repeat(3000)}.jpg`) + end],
    ['another header line', file.replace('\n\n', '\nX-Kind: a\n\n') + end],
    ['a header line twice', file.replace('\n\n', '\nContent-Type: image/png\n\n') + end],
    ['a header line twice in another case', file.replace('\n\n', '\ncontent-type: image/png\n\n') + end],
    ['a folded header line', file.replace('; filename', ';\n filename') + end],
    ['a tab in a header', file.replace('a.jpg', 'a\tb.jpg') + end],
    ['a header line without a value', file.replace(': image/jpeg', ':') + end],
    ['white space before a colon', file.replace('Type:', 'Type :') + end],
    ['base64', file.replace('\n\n', '\nContent-Transfer-Encoding: base64\n\n') + end],
    ['filename*', named(`form-data; name="file"; filename*=utf-8''a.jpg`) + end],
    ['an escaped quote', named('form-data; name="file"; filename="a\\".jpg"') + end],
    ['a backslash', named('form-data; name="file"; filename="C:\\a.jpg"') + end],
    ['a path', named('form-data; name="file"; filename="../a.jpg"') + end],
    ['a quote as browsers write it', named('form-data; name="file"; filename="a%22.jpg"') + end],
    ['the name of a folder', named('form-data; name="file"; filename=".."') + end],
    ['no file name', named('form-data; name="file"; filename=""') + end],
    ['no field name', named('form-data; name=""; filename="a.jpg"') + end],
    ['no name at all', named('form-data; filename="a.jpg"') + end],
    ['the file name first', named('form-data; filename="a.jpg"; name="file"') + end],
    ['two names', named('form-data; name="file"; name="b"; filename="a.jpg"') + end],
    ['an attachment', named('attachment; name="file"; filename="a.jpg"') + end],
    ['a long field name', named(`form-data; name="${'a'.repeat(65)}"; filename="a.jpg"`) + end],
    ['a field with brackets', field.replace('sha256', 'a[b]') + file + end],
    [
      'a field that is a file to some',
      field.replace('\n\n', '\nContent-Type: application/octet-stream\n\n') + file + end,
    ],
    [
      'a field in another character set',
      field.replace('\n\n', '\nContent-Type: text/plain; charset=latin1\n\n') + file + end,
    ],
    ['a field of 9 kB', field.replace('abc', 'a'.repeat(9000)) + file + end],
    ['21 fields', field.repeat(21) + file + end],
    ['a type with parameters', file.replace('image/jpeg', 'image/jpeg; a=b') + end],
    ['no type after all', file.replace('image/jpeg', 'jpeg') + end],
  ])('%s', (_what, body) => {
    expect(read(body)).toBeUndefined();
  });

  test.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=b; boundary=c',
    'multipart/form-data; boundary=b; charset=utf-8',
    'multipart/form-data; boundary="b',
    'multipart/form-data; boundary="b "',
    'multipart/form-data; boundary="b\\"',
    'multipart/form-data;\tboundary=b',
    'multipart/form-data, multipart/form-data; boundary=b',
    'multipart/mixed; boundary=b',
    'text/plain; boundary=b',
    ` multipart/form-data; boundary=b`,
    `multipart/form-data; boundary=${'b'.repeat(71)}`,
    '',
  ])('a body of type %j', (contentType) => {
    expect(readSmallForm(form(file + end), contentType)).toBeUndefined();
  });

  test('nothing else of these, so that each of them is the reason', () => {
    expect(read(file + end)).toBeDefined();
    expect(read(field.repeat(20) + file + end)?.fields).toHaveLength(20);
    expect(readSmallForm(form(file + end), 'Multipart/Form-Data;boundary="b"')).toBeDefined();
  });
});

describe('A form that is read the quick way', () => {
  /** What multer reads, by itself and as it is used here. */
  async function readBySlowWay(body: Buffer, contentType: string) {
    const headers = { 'content-type': contentType, 'content-length': String(body.length) };
    const read = { headers, files: [] as Express.Multer.File[], body: {} };
    const request = Object.assign(Readable.from([body]), read);
    const upload = multer({ storage: multer.memoryStorage(), defParamCharset: 'utf8' }).any();
    await promisify(upload)(request as never, {} as never);
    const source = Object.assign(Readable.from([body]), { headers });
    const general = await receiveForm(source, formLimits(2 ** 30, 10), async ({ stream, fieldsSoFar }) => ({
      text: await textOf(stream.setEncoding('latin1')),
      before: [...fieldsSoFar],
    }));
    return { files: request.files, fields: { ...request.body }, general };
  }

  async function checkSame(small: SmallForm, body: Buffer, contentType: string) {
    const { files, fields, general } = await readBySlowWay(body, contentType);
    expect(files).toHaveLength(1);
    const [only] = files;
    expect(only).toMatchObject({
      fieldname: small.file.field,
      originalname: small.file.filename,
      mimetype: small.file.type ?? 'text/plain',
    });
    expect(only!.buffer.equals(small.file.bytes)).toBe(true);
    const lists = listed(small.fields);
    expect(
      Object.fromEntries(lists.map(([name, list]) => [name, list.length === 1 ? list[0] : list])),
    ).toEqual(fields);
    expect([...general.fields]).toEqual(lists);
    const text = Buffer.from(small.file.bytes).toString('latin1');
    if (['file', 'image', 'files[]'].includes(small.file.field)) {
      expect(general.results).toEqual([
        { ok: { text, before: listed(small.fields.filter(({ beforeFile }) => beforeFile)) } },
      ]);
    }
  }

  function listed(fields: SmallForm['fields']): [string, string[]][] {
    const names = [...new Set(fields.map(({ name }) => name))];
    return names.map((name) => [name, fields.filter((one) => one.name === name).map(({ value }) => value)]);
  }

  const few = <T>(...values: T[]) => fc.constantFrom(...values);
  const often = <T>(usual: T, ...others: T[]) =>
    fc.oneof({ weight: 25, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: few(...others) });
  const boundary = few('b', '----WebKitFormBoundary7MA4', '--', 'a:b', "x'()+_,-./:=?y", '0', 'Content-Type');
  const utf8 = (text: string) => Buffer.from(text).toString('latin1');
  const word = fc.oneof(
    few('file', 'image', 'files[]', 'tags', 'sha256', 'constructor', '__proto__', 'toString'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map(utf8),
    fc.string({ unit: few(...'a.[]"\\%20A; =/\xe4\xff'), maxLength: 6 }),
  );
  const filename = fc.oneof(few('a.jpg', utf8('é 東.jpg'), '.', '..', 'a/b', '%22', '50%', "a'b"), word);
  const quoted = fc
    .tuple(often('"', '', "'"), fc.boolean())
    .map(([quote, space]) => ({ quote, space: space ? ' ' : '' }));
  const type = often(
    'image/jpeg',
    'IMAGE/PNG',
    'text/plain',
    'application/octet-stream',
    'a',
    'text/plain; charset=utf-8',
    'text/plain;charset=latin1',
  );
  const content = (mark: string) =>
    fc.oneof(
      few('', 'abc', '\r\n', `\r\n--${mark}x`, `\r\n-${mark}`, `--${mark}`, `\r--${mark}--`),
      fc.string({ unit: 'binary', maxLength: 40 }).map(utf8),
    );
  const part = (mark: string, isFile: boolean) =>
    fc
      .record({
        name: word,
        filename,
        quoted,
        type: fc.option(type, { freq: isFile ? 5 : 1 }),
        fieldType: few(
          'text/plain',
          'text/plain; charset=utf-8',
          'text/plain;charset=latin1',
          'application/octet-stream',
        ),
        encoding: fc.option(few('binary', '8bit', 'base64'), { freq: 8 }),
        length: fc.option(few('3', 'x'), { freq: 8 }),
        lineEnd: often('\r\n', '\n', '\r', '\r\n '),
        colon: often(': ', ':', ' : ', ':\t'),
        kind: often('form-data', 'Form-Data', 'attachment'),
        more: often('', `; filename*=utf-8''x`, '; a=b', ';'),
        content: content(mark),
        shuffled: fc.boolean(),
      })
      .map((odd) => {
        const { quote, space } = odd.quoted;
        const named = `${odd.kind};${space}name=${quote}${odd.name}${quote}`;
        const disposition = isFile
          ? `${named};${space}filename=${quote}${odd.filename}${quote}${odd.more}`
          : named;
        const lines = [
          `Content-Disposition${odd.colon}${disposition}`,
          ...(odd.type === null || (!isFile && odd.length === null)
            ? []
            : [`content-type${odd.colon}${odd.type}`]),
          ...(odd.encoding === null ? [] : [`Content-Transfer-Encoding: ${odd.encoding}`]),
          ...(odd.length === null ? [] : [`Content-Length: ${odd.length}`]),
        ];
        if (odd.shuffled) lines.reverse();
        return `--${mark}\r\n${lines.join(odd.lineEnd)}\r\n\r\n${odd.content}\r\n`;
      });
  const generated = boundary.chain((mark) =>
    fc
      .tuple(
        fc.array(part(mark, false), { maxLength: 2 }),
        part(mark, true),
        fc.array(part(mark, false), { maxLength: 1 }),
        often('\r\n', '', '\n', '\r\nx'),
      )
      .map(([before, one, after, tail]) => ({
        body: [...before, one, ...after, `--${mark}--${tail}`].join(''),
        contentType: `multipart/form-data; boundary=${/^[\w'+.-]*$/.test(mark) ? mark : `"${mark}"`}`,
        mark,
      })),
  );
  const clean = fc
    .tuple(few(...clients), fc.uint8Array({ maxLength: 60 }))
    .map(([client, bytes]: [Client, Uint8Array]) => ({
      ...written(client, bytes),
      mark: client.boundary,
    }))
    .map(({ body, ...rest }) => ({ ...rest, body: body.toString('latin1') }));

  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const piece = (mark: string) =>
    fc.oneof(
      few(
        '\r\n',
        '\r',
        '\n',
        '--',
        `--${mark}`,
        `\r\n--${mark}`,
        `\r\n--${mark}--`,
        `\r\n--${mark}\r\n`,
        '\r\n\r\n',
      ),
      few(
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
      ),
      few('Content-Type: image/gif\r\n', 'Content-Disposition: form-data; name="z"\r\n', 'X: y\r\n'),
    );
  const mutated = fc.oneof(clean, generated).chain(({ body, contentType, mark }) =>
    fc
      .array(fc.record({ at: place, drop: few(0, 0, 0, 1, 2, 5), insert: fc.oneof(piece(mark), few('')) }), {
        minLength: 1,
        maxLength: 2,
      })
      .map((changes) => ({
        body: changes.reduce((text, { at, drop, insert }) => {
          const start = Math.floor(at * text.length);
          return text.slice(0, start) + insert + text.slice(start + drop);
        }, body),
        contentType,
      })),
  );

  async function holds(forms: fc.Arbitrary<{ body: string; contentType: string }>, numRuns: number) {
    let taken = 0;
    const same = fc.asyncProperty(forms, async ({ body, contentType }) => {
      const small = readSmallForm(binary(body), contentType);
      if (small === undefined) return;
      taken += 1;
      await checkSame(small, binary(body), contentType);
    });
    await fc.assert(same, { numRuns });
    return taken;
  }

  test('is read the same by multer, whatever client wrote it', async () => {
    expect(await holds(clean, 1000)).toBe(1000);
  });

  test('is read the same by multer, whatever its parts are made of', async () => {
    expect(await holds(generated, 20_000)).toBeGreaterThan(1000);
  });

  test('is read the same by multer, whatever was changed in it', async () => {
    expect(await holds(mutated, 20_000)).toBeGreaterThan(1000);
  });
});
