import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../../src/core/error.ts';
import { receiveForm } from '../../../src/http/forms/form.ts';
import { fileFields, formLimits } from '../../../src/http/forms/limits.ts';
import { end, fieldPart, filePart, keepText, limits, post, serveForms, type OnFile } from './serve.ts';

describe('A form', () => {
  test('gives each file and each field, in their order', async () => {
    await using server = await serveForms(async (file) => ({
      field: file.field,
      filename: file.filename,
      type: file.type,
      text: await keepText(file),
    }));
    const data = new FormData();
    data.append('tags', 'a');
    data.append('file', new File(['one'], 'one.jpg', { type: 'IMAGE/JPEG' }));
    data.append('tags', 'b');
    data.append('images', new File(['two'], 'zwei ä 東.png', { type: 'image/png' }));
    data.append('after', 'c');
    const { results, fields } = await post(server, data);
    expect(fields).toEqual({ tags: ['a', 'b'], after: ['c'] });
    expect(results).toEqual([
      { field: 'file', filename: 'one.jpg', type: 'image/jpeg', text: 'one' },
      { field: 'images', filename: 'zwei ä 東.png', type: 'image/png', text: 'two' },
    ]);
  });

  test('tells with each file which fields came before it, and which since the file before', async () => {
    await using server = await serveForms(async ({ stream, fieldsSoFar, fieldsSinceFile }) => {
      stream.resume();
      await wait(10); // later fields must not show
      return [fieldsSoFar, fieldsSinceFile].map((map) => Object.fromEntries(map));
    });
    const body = [
      fieldPart('sha256', 'x'),
      filePart('1', 'a'),
      filePart('2', 'b'),
      fieldPart('sha256', 'z'),
      filePart('3', 'c'),
    ];
    const { results } = await post(server, body.join('') + end);
    expect(results).toEqual([
      [{ sha256: ['x'] }, { sha256: ['x'] }],
      [{ sha256: ['x'] }, {}],
      [{ sha256: ['x', 'z'] }, { sha256: ['z'] }],
    ]);
  });

  test('may come from memory', async () => {
    const body = Buffer.from(fieldPart('a', '1') + filePart('a.jpg', 'abc') + end);
    const headers = {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': String(body.length),
    };
    for (const readable of [
      Readable.from([body]),
      Readable.from(body),
      Readable.from([...body].map((byte) => Buffer.of(byte))),
    ]) {
      const { results, fields } = await receiveForm(Object.assign(readable, { headers }), limits, keepText);
      expect(results).toEqual([{ ok: 'abc' }]);
      expect([...fields]).toEqual([['a', ['1']]]);
    }
  });

  test('without files has no results', async () => {
    await using server = await serveForms();
    expect(await post(server, fieldPart('a', '1') + end)).toEqual({ results: [], fields: { a: ['1'] } });
    expect(await post(server, end)).toEqual({ results: [], fields: {} });
  });

  test('is read no faster than its files are', async () => {
    let pulled = 0;
    const part = Buffer.from(filePart('a.jpg', '').slice(0, -2));
    const source = Readable.from(
      (async function* () {
        yield part;
        for (; pulled < 64; pulled += 1) yield Buffer.alloc(2 ** 16);
        yield Buffer.from(`\r\n${end}`);
      })(),
    );
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'transfer-encoding': 'chunked' };
    const form = await receiveForm(
      Object.assign(source, { headers }),
      formLimits(2 ** 30, 1),
      async ({ stream }) => {
        await wait(50);
        const before = pulled;
        let sizeBytes = 0;
        for await (const chunk of stream) sizeBytes += (chunk as Buffer).length;
        expect(before).toBeLessThan(24);
        return sizeBytes;
      },
    );
    expect(form.results).toEqual([{ ok: 64 * 2 ** 16 }]);
  });
});

describe('A file that fails', () => {
  const refuse =
    (when: 'at once' | 'after a chunk' | 'after all'): OnFile =>
    async (file) => {
      if (!file.filename.startsWith('bad')) return keepText(file);
      if (when === 'after a chunk') for await (const _ of file.stream) break;
      if (when === 'after all') await keepText(file);
      throw new HoldfastError('unsupported-type', 'no');
    };

  test.each(['at once', 'after a chunk', 'after all'] as const)('%s leaves the others', async (when) => {
    await using server = await serveForms(refuse(when), { ...limits, fileBytes: 2 ** 22 });
    const parts = [
      filePart('1', 'one'),
      filePart('bad', 'x'.repeat(2 ** 21)),
      filePart('2', 'two'),
      filePart('bad', ''),
    ];
    const { results } = await post(server, parts.join('') + end);
    const refused = { code: 'unsupported-type', facts: {} };
    expect(results).toEqual(['one', refused, 'two', refused]);
    expect(server.streams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('for a reason of ours is told as internal, with its cause', async () => {
    const bug = new TypeError('oops');
    await using server = await serveForms(({ filename, stream }) => {
      if (filename === 'bad') throw bug;
      return keepText({ stream } as never);
    });
    await post(server, filePart('bad', 'x') + filePart('good', 'y') + end);
    const [bad, good] = server.ended[0]!.form!.results;
    expect((bad as { problem: HoldfastError }).problem).toMatchObject({ code: 'internal', cause: bug });
    expect(good).toEqual({ ok: 'y' });
  });

  test('for its size leaves the others', async () => {
    await using server = await serveForms();
    const parts = [
      filePart('1', 'x'.repeat(1000)),
      filePart('2', 'x'.repeat(1001)),
      filePart('3', 'x'.repeat(300_000)),
      filePart('4', ''),
    ];
    const { results } = await post(server, parts.join('') + end);
    const tooLarge = { code: 'too-large', facts: { maxBytes: 1000 } };
    expect(results).toEqual(['x'.repeat(1000), tooLarge, tooLarge, '']);
  });

  test('for its size fails even when its reader overlooks that', async () => {
    await using server = await serveForms(async ({ stream }) => {
      await keepText({ stream } as never).catch(() => {});
    });
    expect((await post(server, filePart('1', 'x'.repeat(1001)) + end)).results).toMatchObject([
      { code: 'too-large' },
    ]);
  });

  test('for its field leaves the others, and names the fields that are allowed', async () => {
    await using server = await serveForms();
    const { results } = await post(
      server,
      filePart('1', 'x', 'avatar') + filePart('2', 'y', 'files[]') + end,
    );
    expect(results).toEqual([
      { code: 'malformed', facts: { field: 'avatar', allowed: [...fileFields] } },
      'y',
    ]);
    expect(server.streams).toHaveLength(1);
  });

  test('for its missing name is not lost without a word, but an input left empty is no file', async () => {
    await using server = await serveForms();
    const left =
      '--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n';
    const nameless =
      '--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n';
    const parts = [left, filePart('1', 'x'), nameless, filePart('..', 'y'), filePart('2', 'z')].join('');
    const refused = { code: 'malformed', facts: {} };
    expect((await post(server, parts + end)).code).toBe('too-large'); // five files
    expect((await post(server, parts.slice(left.length) + end)).results).toEqual([
      'x',
      refused,
      refused,
      'z',
    ]);
    expect((await post(server, left + end)).results).toEqual([]);
  });
});

describe('The name of a file', () => {
  test.each([
    ['naïve 東京.jpg', 'naïve 東京.jpg'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\\\Users\\\\x\\\\a.jpg', 'a.jpg'],
    ['a%22b%0D%0A.jpg', 'a"b\r\n.jpg'],
    ['50%25 %41.jpg', '50%25 %41.jpg'],
    ['a\\"b.jpg', 'a"b.jpg'],
  ])('%j is read as %j', async (sent, read) => {
    await using server = await serveForms(async ({ filename }) => filename);
    expect((await post(server, filePart(sent, 'x') + end)).results).toEqual([read]);
  });

  test('in another character set than UTF-8 is kept as far as it can be', async () => {
    await using server = await serveForms(async ({ filename }) => filename);
    expect((await post(server, Buffer.from(filePart('\xe9t\xe9.jpg', 'x') + end, 'latin1'))).results).toEqual(
      ['\ufffdt\ufffd.jpg'],
    );
    const extended = filePart('a', 'x').replace(
      'filename="a"',
      `filename="a"; filename*=UTF-8''%e2%82%ac.jpg`,
    );
    expect((await post(server, extended + end)).results).toEqual(['€.jpg']);
  });
});

describe('The name of a field', () => {
  test('is only a name, whatever it looks like', async () => {
    await using server = await serveForms();
    const names = ['__proto__', 'constructor[prototype]', 'a[b][c]', 'a[0]', 'a'];
    await post(server, names.map((name) => fieldPart(name, name)).join('') + end);
    expect(server.ended[0]!.form!.fields).toEqual(new Map(names.map((name) => [name, [name]])));
    expect('c' in {}).toBe(false);
  });

  test.each([
    ['is missing', fieldPart('', 'x')],
    ['is missing for a file', filePart('a', 'x', '')],
    ['is too long', fieldPart('a'.repeat(31), 'x')],
    ['is too long for a file', filePart('a', 'x', 'a'.repeat(31))],
    ['is nested too deep', fieldPart('a[b][c][d][e][f]', 'x')],
    ['asks for a table of billions', fieldPart('a[4294967294]', 'x') + fieldPart('a[b]', 'x')],
  ])('refuses the form when it %s', async (_what, part) => {
    await using server = await serveForms();
    expect(await post(server, filePart('1', 'x') + part + filePart('2', 'y') + end)).toMatchObject({
      code: 'malformed',
    });
  });
});

describe('A form is refused as a whole', () => {
  test.each([
    ['files', filePart('1', 'x').repeat(5), { maxFiles: 4 }],
    ['fields', fieldPart('a', 'x').repeat(6), { maxFields: 5 }],
    ['parts', '--b\r\nX: y\r\n\r\n\r\n'.repeat(10), { maxParts: 9 }],
    ['text in a field', fieldPart('a', 'x'.repeat(101)), { maxBytes: 100 }],
  ])('for too many %s', async (_what, parts, facts) => {
    await using server = await serveForms();
    expect(await post(server, parts + end)).toMatchObject({ code: 'too-large', facts });
  });

  test('but not at the limit', async () => {
    await using server = await serveForms();
    const parts = filePart('1', 'x').repeat(4) + fieldPart('a'.repeat(30), 'x'.repeat(100)).repeat(5);
    expect((await post(server, parts + end)).results).toHaveLength(4);
  });

  test.each([
    ['no boundary in its type', 'multipart/form-data', filePart('1', 'x') + end],
    ['an empty boundary', 'multipart/form-data; boundary=', filePart('1', 'x') + end],
    ['a broken type', 'multipart/form-data; boundary="b', filePart('1', 'x') + end],
    ['another type', 'application/json', '{}'],
    ['another multipart type', 'multipart/mixed; boundary=b', filePart('1', 'x') + end],
    ['a boundary that never comes', 'multipart/form-data; boundary=c', filePart('1', 'x') + end],
    ['no body', undefined, ''],
    ['garbage', undefined, 'garbage'],
    ['a header without end', undefined, '--b\r\nContent-Disposition: form-data; name="file"'],
    ['a header that is none', undefined, `--b\r\n\0\r\n\r\nx\r\n${end}`],
    ['a header of 20 kB', undefined, filePart('a'.repeat(20_000), 'x') + end],
    ['a file cut off', undefined, filePart('1', 'x').slice(0, -3)],
    ['a file cut off in the boundary', undefined, `${filePart('1', 'x')}--`],
    ['no last boundary', undefined, filePart('1', 'x')],
  ])('for %s', async (_what, type, body) => {
    await using server = await serveForms();
    expect(await post(server, body, type)).toMatchObject({ code: 'malformed' });
    expect(server.streams.every(({ destroyed }) => destroyed)).toBe(true);
    expect((await post(server, filePart('1', 'x') + end)).results).toEqual(['x']);
  });

  test('for a form behind its end, which would never be read to its own end', async () => {
    await using server = await serveForms();
    const whole = filePart('1', 'x') + end;
    const files = filePart('2', 'y').repeat(3);
    for (const behind of [files, files + end, fieldPart('a', 'b').repeat(3) + end]) {
      expect(await post(server, whole + behind)).toMatchObject({ code: 'malformed' });
    }
    for (const behind of ['', '\r\n', 'and so on\r\n', filePart('2', 'y')]) {
      expect((await post(server, whole + behind)).results).toEqual(['x']);
    }
    expect(server.streams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('for a request without a body', async () => {
    const source = Object.assign(Readable.from([]), {
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    });
    await expect(receiveForm(source, limits, keepText)).rejects.toMatchObject({ code: 'malformed' });
  });
});
