import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readSmallForm } from '../../../src/http/forms/lean.ts';
import { clients, otherClients, written } from './clients.ts';

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
    ['something else behind a boundary', `${file.replace('--b\n', '--bxx')}${end}`],
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
