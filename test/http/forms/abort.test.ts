import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../../src/core/error.ts';
import { receiveForm } from '../../../src/http/forms/form.ts';
import { begin, end, fieldPart, filePart, keepText, limits, post, serveForms, type OnFile } from './serve.ts';

const headers = { 'content-type': 'multipart/form-data; boundary=b', 'transfer-encoding': 'chunked' };
const unfinished = filePart('2', 'half').slice(0, -2);

describe('When a client goes away', () => {
  const readers: Record<string, OnFile> = {
    'reads it to the end': keepText,
    'pipes it': ({ stream }) => pipeline(stream, new PassThrough().resume()),
    'listens to it': ({ stream }) =>
      new Promise((resolve, reject) =>
        stream
          .on('data', () => {})
          .on('end', resolve)
          .on('error', reject),
      ),
    'has not looked at it yet': async ({ stream }) => {
      await wait(30);
      return keepText({ stream } as never);
    },
    'never looks at it': () => wait(30),
    'has already refused it': () => Promise.reject(new HoldfastError('unsupported-type', 'no')),
  };

  describe.each(Object.keys(readers))('and onFile %s', (name) => {
    test.each([
      ['during a file', filePart('1', 'whole') + unfinished],
      ['between two parts', `${filePart('1', 'whole')}--b\r\n`],
      ['in the header of a part', `${filePart('1', 'whole')}--b\r\nContent-Dispo`],
      ['before the last boundary', filePart('1', 'whole')],
      ['before the first byte', ''],
    ])('%s, the form is refused once and no stream is left open', async (_when, body) => {
      let [running, ran] = [0, 0];
      await using server = await serveForms(async (file) => {
        running += 1;
        ran += 1;
        try {
          return await readers[name]!(file);
        } finally {
          running -= 1;
        }
      });
      const socket = await begin(server, body || 'x', body === '' ? 'Content-Length: 100' : undefined);
      await wait(10);
      socket.resetAndDestroy();
      await server.until(1);
      expect(running).toBe(0);
      await wait(20);
      expect(server.ended).toMatchObject([{ problem: { code: 'malformed' } }]);
      expect(ran).toBe(body.split('filename').length - 1);
      expect(server.streams.every(({ destroyed }) => destroyed)).toBe(true);
      expect((await post(server, fieldPart('a', 'x') + end)).fields).toEqual({ a: ['x'] });
    });
  });

  test('in the middle of a file, its stream fails with a reason', async () => {
    const reasons: unknown[] = [];
    await using server = await serveForms(async ({ stream }) => {
      try {
        return await keepText({ stream } as never);
      } catch (error) {
        reasons.push(error);
        throw error;
      }
    });
    const socket = await begin(server, unfinished);
    await wait(10);
    socket.destroy();
    await server.until(1);
    expect(reasons).toEqual([expect.objectContaining({ code: 'malformed' })]);
  });

  test('while it stops sending, the form waits and nothing is refused', async () => {
    await using server = await serveForms();
    const rest = Buffer.from(`\r\n${end}`);
    const first = Buffer.from(unfinished);
    const socket = await begin(server, first, `Content-Length: ${first.length + rest.length}`);
    await wait(50);
    expect(server.ended).toEqual([]);
    socket.write(rest);
    await server.until(1);
    expect(server.ended[0]!.form!.results).toEqual([{ ok: 'half' }]);
    socket.destroy();
  });
});

describe('When the source fails', () => {
  test('twice, there is one rejection, and that is the first failure', async () => {
    const source = Object.assign(new PassThrough(), { headers });
    let rejections = 0;
    const form = receiveForm(source, limits, keepText).catch((error: unknown) => {
      rejections += 1;
      throw error;
    });
    source.write(unfinished);
    await turn();
    const first = new HoldfastError('timeout', 'too slow');
    source.destroy(first);
    await expect(form).rejects.toBe(first);
    source.emit('error', new Error('again'));
    source.emit('aborted');
    source.emit('close');
    await wait(10);
    expect(rejections).toBe(1);
  });

  test('before it is read, there is one rejection', async () => {
    const source = Object.assign(new PassThrough(), { headers });
    const form = receiveForm(source, limits, keepText);
    source.destroy(new Error('at once'));
    await expect(form).rejects.toMatchObject({ code: 'malformed' });
  });

  test('after it was destroyed, there still is one', async () => {
    const source = Object.assign(new PassThrough(), { headers });
    source.destroy();
    await turn();
    await expect(receiveForm(source, limits, keepText)).rejects.toMatchObject({ code: 'malformed' });
  });
});

test('Whatever comes, in whatever pieces, and wherever it ends, the form settles and no stream is left open', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        filePart('1', 'x'),
        filePart('2', 'y'.repeat(1200)),
        filePart('', 'z'),
        filePart('3', 'x', 'other'),
        fieldPart('a', '1'),
      ],
      ...[
        end,
        '--b',
        '\r\n',
        '\r\n--b',
        '--',
        '\r\n\r\n',
        'Content-Disposition: form-data; name="file"',
        'Content-Type: a/b',
        'x',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 10 }),
  );
  const behaviours: OnFile[] = [
    keepText,
    () => wait(1),
    () => turn(),
    () => Promise.reject(new Error('no')),
    ({ stream }) => stream.take(1).toArray(),
  ];
  const property = fc.asyncProperty(
    fc.array(piece, { maxLength: 10 }),
    fc.integer({ min: 20, max: 3000 }),
    fc.constantFrom('ends', 'fails', 'closes'),
    fc.boolean(),
    fc.constantFrom(...behaviours),
    async (pieces, chunkBytes, how, slowly, behaviour) => {
      const body = Buffer.from(pieces.join(''), 'latin1');
      const source = Object.assign(new PassThrough(), { headers });
      const streams: Readable[] = [];
      const form = receiveForm(source, limits, (file) => {
        streams.push(file.stream);
        return behaviour(file);
      }).then(
        (value) => value,
        (error: unknown) => error,
      );
      for (let at = 0; at < body.length; at += chunkBytes) source.write(body.subarray(at, at + chunkBytes));
      await turn();
      if (how === 'ends') source.end();
      else source.destroy(how === 'fails' ? new Error('gone') : undefined);

      const settled = await Promise.race([form, wait(5000, 'hangs', { ref: false })]);
      if (settled instanceof HoldfastError) expect(['malformed', 'too-large']).toContain(settled.code);
      else expect(settled).toMatchObject({ results: expect.any(Array) });
      await turn();
      expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: 2000 });
});
