import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import fc from 'fast-check';
import { once } from 'node:events';
import { Agent, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { sendBytes, type Sendable } from '../../../src/http/bytes/send.ts';
import { selectRanges } from '../../../src/http/bytes/ranges.ts';
import { readParts, serve, shelf, until, type Answered, type Serving } from './serve.ts';

const digits = Buffer.from('0123456789abcdef');
const lastModified = 'Wed, 31 Jan 2024 12:00:00 GMT';

let serving: Serving;
afterEach(() => serving.close());

async function served(bytes: Buffer = digits, overrides: Partial<Sendable> = {}) {
  const blob = shelf(bytes, overrides);
  serving = await serve(blob);
  return { blob, ask: serving.ask, etag: `"${blob.id}"` };
}

/** Members of a success that describe the bytes; an answer without the bytes must not have them. */
const descriptive = ['content-disposition', 'repr-digest', 'last-modified', 'content-range', 'accept-ranges'];

describe('GET without conditions', () => {
  test('answers 200 with all bytes and everything that describes them', async () => {
    const { blob, ask, etag } = await served();
    const { status, headers, body } = await ask();
    expect(status).toBe(200);
    expect(body).toEqual(digits);
    expect(headers).toMatchObject({
      etag,
      'accept-ranges': 'bytes',
      'last-modified': lastModified,
      'content-type': 'image/jpeg',
      'content-length': '16',
      'content-disposition': 'inline; filename="cat.jpg"',
      'cache-control': blob.cacheControl,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'cross-origin',
      'repr-digest': `sha-256=:${Buffer.from(blob.id, 'hex').toString('base64')}:`,
    });
    expect(headers).not.toHaveProperty('transfer-encoding');
    expect(headers).not.toHaveProperty('content-range');
  });

  test('asks a browser to save it when it is a download', async () => {
    const { ask } = await served(digits, { download: true });
    expect((await ask()).headers['content-disposition']).toBe('attachment; filename="cat.jpg"');
  });

  test('answers 200 for no bytes at all', async () => {
    const { ask } = await served(Buffer.alloc(0));
    const { status, headers, body } = await ask();
    expect([status, headers['content-length'], body.length]).toEqual([200, '0', 0]);
  });

  test('never says that it was modified in the future', async () => {
    const nowMs = Date.UTC(2024, 0, 1);
    serving = await serve(shelf(digits), { nowMs: () => nowMs, boundary: () => 'x' });
    expect((await serving.ask()).headers['last-modified']).toBe('Mon, 01 Jan 2024 00:00:00 GMT');
  });

  test('sends a large blob whole and unchanged', async () => {
    const bytes = Buffer.alloc(5_000_000, (await buffer(shelfOfNoise())).subarray(0, 9973));
    const { ask } = await served(bytes);
    expect((await ask()).body.equals(bytes)).toBe(true);
  });
});

describe('HEAD', () => {
  test('answers as GET would, without opening the blob', async () => {
    const { blob, ask } = await served();
    const [get, head] = [await ask(), await ask({}, 'HEAD')];
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
    expect(blob.opened).toHaveLength(1);
  });

  test.each(['bytes=0-1', 'bytes=99-', 'bytes=0-1,4-5'])('knows no ranges: %s', async (range) => {
    const { ask } = await served();
    const { status, headers } = await ask({ range }, 'HEAD');
    expect([status, headers['content-length'], headers['content-range']]).toEqual([200, '16', undefined]);
  });

  test('leaves the connection usable', async () => {
    const { blob } = await served();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = serving.server.address() as AddressInfo;
    const sockets = new Set();
    for (const method of ['HEAD', 'GET', 'HEAD', 'GET']) {
      const outgoing = request({ port, agent, method }).end();
      const [incoming] = await once(outgoing, 'response');
      sockets.add(outgoing.socket);
      expect(await buffer(incoming)).toHaveLength(method === 'GET' ? 16 : 0);
    }
    expect(sockets.size).toBe(1);
    expect(blob.opened).toHaveLength(2);
    agent.destroy();
  });
});

describe('One range', () => {
  test.each([
    ['bytes=0-0', 'bytes 0-0/16', '0'],
    ['bytes=0-1', 'bytes 0-1/16', '01'],
    ['bytes=0-', 'bytes 0-15/16', '0123456789abcdef'],
    ['bytes=10-', 'bytes 10-15/16', 'abcdef'],
    ['bytes=-3', 'bytes 13-15/16', 'def'],
    ['bytes=14-9999', 'bytes 14-15/16', 'ef'],
    ['bytes=2-5,4-8', 'bytes 2-8/16', '2345678'],
    ['bytes=3-3,99-', 'bytes 3-3/16', '3'],
  ])('%s is answered 206 with %s', async (range, contentRange, text) => {
    const { ask, etag } = await served();
    const { status, headers, body } = await ask({ range });
    expect([status, headers['content-range'], body.toString()]).toEqual([206, contentRange, text]);
    expect(headers).toMatchObject({
      etag,
      'content-length': String(text.length),
      'content-type': 'image/jpeg',
    });
    expect(headers).toHaveProperty('cache-control');
  });

  test.each(['bytes=99-', 'bytes=-0', 'bytes=16-16,20-'])(
    '%s is refused with 416 and the size',
    async (range) => {
      const { blob, ask } = await served();
      const { status, headers, body } = await ask({ range });
      expect([status, headers['content-range']]).toEqual([416, 'bytes */16']);
      expect(JSON.parse(body.toString())).toEqual({ code: 'range-not-satisfiable' });
      for (const name of ['content-disposition', 'repr-digest', 'last-modified', 'cache-control', 'etag']) {
        expect(headers).not.toHaveProperty(name);
      }
      expect(blob.opened).toHaveLength(0);
    },
  );

  test.each(['bytes=5-4', 'items=0-1', 'bytes=x', 'bytes=0-1, bytes=2-3'])('%s is ignored', async (range) => {
    const { ask } = await served();
    const { status, body } = await ask({ range });
    expect([status, body.toString()]).toEqual([200, digits.toString()]);
  });

  test('of bytes that are no longer the same is answered with all of the new ones', async () => {
    const { ask, etag } = await served();
    const statuses = [];
    for (const ifRange of [etag, lastModified, '"old"', `W/${etag}`, 'Wed, 31 Jan 2024 12:00:01 GMT']) {
      statuses.push((await ask({ range: 'bytes=0-0', 'if-range': ifRange })).status);
    }
    expect(statuses).toEqual([206, 206, 200, 200, 200]);
    expect((await ask({ range: 'bytes=99-', 'if-range': '"old"' })).status).toBe(200);
  });
});

describe('Several ranges', () => {
  test('come as multipart/byteranges in the order asked for', async () => {
    const { blob, ask, etag } = await served();
    const answered = await ask({ range: 'bytes=14-15, 0-1, -4, 20-30' });
    expect(answered.status).toBe(206);
    expect(answered.headers).toMatchObject({ etag, 'content-length': String(answered.body.length) });
    expect(answered.headers).not.toHaveProperty('content-range');
    expect(readParts(answered).map(({ headers, body }) => [headers, body.toString()])).toEqual([
      [{ 'content-type': 'image/jpeg', 'content-range': 'bytes 12-15/16' }, 'cdef'],
      [{ 'content-type': 'image/jpeg', 'content-range': 'bytes 0-1/16' }, '01'],
    ]);
    expect(blob.opened).toHaveLength(2);
  });

  test('use another boundary each time', async () => {
    const { ask } = await served();
    const types = new Set<string>();
    for (let k = 0; k < 3; k += 1)
      types.add((await ask({ range: 'bytes=0-0,2-2' })).headers['content-type']!);
    expect(types.size).toBe(3);
  });

  test('leave the connection clean for the next request', async () => {
    await served();
    const socket = await serving.socket();
    const asked = 'GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0,2-2\r\n\r\n';
    socket.write(asked + asked + 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const text = (await buffer(socket)).toString('latin1');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 206', 'HTTP/1.1 206', 'HTTP/1.1 200']);
    expect(text.endsWith(`\r\n\r\n${digits.toString()}`)).toBe(true);
  });

  test('of many kilobytes each arrive whole', async () => {
    const bytes = await buffer(shelfOfNoise());
    const { ask } = await served(bytes);
    const parts = readParts(await ask({ range: 'bytes=100000-299999,0-99999,-70000' }));
    expect(parts.map(({ start, end }) => [start, end])).toEqual([
      [100_000, 299_999],
      [0, 99_999],
      [430_000, 499_999],
    ]);
    for (const { start, end, body } of parts) expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test('that are too many are answered with the whole, opened once', async () => {
    const { blob, ask } = await served(Buffer.alloc(1000, 'x'));
    const range = `bytes=${Array.from({ length: 400 }, (_, k) => `${k * 2}-${k * 2}`).join(',')}`;
    expect((await ask({ range })).status).toBe(200);
    expect(blob.opened).toHaveLength(1);
  });
});

test('Any Range is answered over a socket with just the bytes it selects', async () => {
  const bytes = (await buffer(shelfOfNoise())).subarray(0, 50);
  const { ask } = await served(bytes);
  const position = fc.nat({ max: 60 });
  const spec = fc.oneof(
    fc.tuple(position, position).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    position.map((a) => `${a}-`),
    position.map((a) => `-${a}`),
    fc.constantFrom('7-3', 'x', ''),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 5 }), async (specs) => {
      const range = `bytes=${specs.join(', ')}`;
      const answered = await ask({ range });
      const selected = selectRanges(range, bytes.length);
      if (typeof selected === 'string') {
        expect(answered.status).toBe(selected === 'whole' ? 200 : 416);
        if (selected === 'whole') expect(answered.body).toEqual(bytes);
        return;
      }
      expect(answered.status).toBe(206);
      expect(partsOf(answered)).toEqual(
        selected.map(({ start, end }) => ({
          start,
          end,
          sizeBytes: 50,
          body: bytes.subarray(start, end + 1),
        })),
      );
    }),
    { numRuns: 150 },
  );
});

function partsOf(answered: Answered) {
  const single = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answered.headers['content-range'] ?? '');
  if (single === null) return readParts(answered).map(({ headers: _, ...part }) => part);
  const [start, end, sizeBytes] = single.slice(1).map(Number);
  return [{ start, end, sizeBytes, body: answered.body }];
}

describe('Conditions', () => {
  test.each(['GET', 'HEAD'])(
    '%s of what the client has is answered 304, with only what a cache needs',
    async (method) => {
      const { blob, ask, etag } = await served();
      for (const headers of [
        { 'if-none-match': `W/"x", W/${etag}` },
        { 'if-modified-since': lastModified },
      ]) {
        const answered = await ask({ ...headers, range: 'bytes=99-' }, method);
        expect([answered.status, answered.body.length]).toEqual([304, 0]);
        expect(answered.headers).toMatchObject({ etag, 'cache-control': blob.cacheControl });
        expect(answered.headers).toHaveProperty('date');
        for (const name of [...descriptive, 'content-type', 'content-length', 'transfer-encoding']) {
          expect(answered.headers).not.toHaveProperty(name);
        }
      }
      expect(blob.opened).toHaveLength(0);
    },
  );

  test.each(['GET', 'HEAD'])('%s of another version is refused with 412', async (method) => {
    const { blob, ask, etag } = await served();
    for (const headers of [
      { 'if-match': '"old"' },
      { 'if-unmodified-since': 'Wed, 31 Jan 2024 11:59:59 GMT' },
    ]) {
      const answered = await ask({ ...headers, range: 'bytes=99-' }, method);
      expect([answered.status, answered.headers.etag]).toEqual([412, etag]);
      for (const name of [...descriptive, 'cache-control']) expect(answered.headers).not.toHaveProperty(name);
    }
    expect(blob.opened).toHaveLength(0);
  });

  test('a 304 leaves the connection usable', async () => {
    const { etag } = await served();
    const socket = await serving.socket();
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${etag}\r\n\r\n`);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const text = (await buffer(socket)).toString('latin1');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 304', 'HTTP/1.1 200']);
  });
});

describe('A hostile file name', () => {
  test.each([
    'a\r\nX-Evil: 1\r\n\r\n<script>',
    'a"; filename="evil.html',
    '../../../etc/passwd',
    'a\0b\ud800c\u202egpj.exe',
    '名'.repeat(100_000),
  ])('%j never adds a header or ends the head', async (name) => {
    await served(digits, { name });
    const socket = await serving.socket();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [head, ...rest] = (await buffer(socket)).toString('latin1').split('\r\n\r\n');
    expect(rest).toEqual([digits.toString()]);
    const names = head!
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(':')[0]!.toLowerCase());
    expect(names.filter((each) => each === 'content-disposition')).toHaveLength(1);
    expect(names).not.toContain('x-evil');
    expect(Math.max(...head!.split('\r\n').map((line) => line.length))).toBeLessThan(1200);
  });
});

test('Express requests and answers are served as well', async () => {
  await served();
  const app = express();
  const blob = shelf(digits);
  app.get('/media/:id', (req, res) => sendBytes(req, res, blob));
  const { port, close } = await listening(app);
  const answer = await fetch(`http://127.0.0.1:${port}/media/1`, { headers: { range: 'bytes=1-2' } });
  expect([answer.status, await answer.text()]).toEqual([206, '12']);
  const head = await fetch(`http://127.0.0.1:${port}/media/1`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '16', '']);
  await close();
});

async function listening(listener: RequestListener) {
  const { createServer } = await import('node:http');
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await until(() => !server.listening);
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Half a megabyte without a pattern, the same at each run. */
async function* shelfOfNoise() {
  let state = 1;
  for (let k = 0; k < 50; k += 1) {
    yield Buffer.from(Array.from({ length: 10_000 }, () => (state = (state * 48_271) % 2_147_483_647) & 255));
  }
}
