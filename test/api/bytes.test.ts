import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { truncate, writeFile } from 'node:fs/promises';
import { picture, upload, video } from './pictures.ts';
import {
  blobPath,
  discard,
  expectProblem,
  reprDigest,
  sha256,
  startService,
  type Running,
} from './support.ts';

let service: Running;
let bytes: Buffer;
let media: Awaited<ReturnType<typeof upload>>;

beforeAll(async () => {
  service = await startService();
  bytes = Buffer.concat([
    await picture(),
    Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251)),
  ]);
  media = await upload(service, bytes, 'Grüße "1".jpg');
});
afterAll(() => discard(service));

const read = (headers: Record<string, string> = {}) => service.api.get(media.url).set(headers);

describe('GET of the bytes', () => {
  test('gives them as they were sent, with all that a browser needs to keep them and nothing to run', async () => {
    const res = await read();
    expect(res.status).toBe(200);
    expect(res.body.equals(bytes)).toBe(true);
    expect(res.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(bytes.length),
      'accept-ranges': 'bytes',
      etag: `"${sha256(bytes)}"`,
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'repr-digest': reprDigest(bytes),
    });
    expect(res.headers['content-disposition']).toMatch(
      /^inline; filename="Grusse _1_.jpg"; filename\*=UTF-8''|^inline; filename="Gru_e _1_.jpg"; filename\*=UTF-8''/,
    );
    expect(Date.parse(res.headers['last-modified']!)).toBe(
      Math.floor(Date.parse(media.createdAt) / 1000) * 1000,
    );
  });

  test('with download=1 asks the browser to save them', async () => {
    const res = await service.api.get(`${media.url}?download=1`);
    expect(res.headers['content-disposition']).toMatch(/^attachment; /);
  });

  test('of a video has its type, and seeks', async () => {
    const clip = video();
    const { url } = await upload(service, clip, 'clip.mp4');
    const probe = await service.api.get(url).set('Range', 'bytes=0-1');
    expect(probe.status).toBe(206);
    expect(probe.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-range': `bytes 0-1/${clip.length}`,
    });
    expect(probe.body.equals(clip.subarray(0, 2))).toBe(true);
  });

  test('of an id that is none of ours is 404', async () => {
    for (const id of ['0'.repeat(26), 'x', '..%2f..%2fcatalog.db', media.id.toUpperCase(), `${media.id}%00`])
      expectProblem(await service.api.get(`/media/${id}`), 'not-found');
    expectProblem(await service.api.get(`${media.url}/large`), 'not-found');
  });

  test('is the only way, beside HEAD', async () => {
    for (const url of [media.url, `${media.url}/thumb`]) {
      const res = await service.api.post(url);
      expectProblem(res, 'method-not-allowed');
      expect(res.headers['allow']).toBe('GET, HEAD');
    }
  });
});

describe('Range', () => {
  const end = () => bytes.length - 1;
  test.each<[string, () => [number, number]]>([
    ['bytes=0-0', () => [0, 0]],
    ['bytes=0-99', () => [0, 99]],
    ['bytes=100-', () => [100, end()]],
    ['bytes=-1', () => [end(), end()]],
    ['bytes=-500', () => [bytes.length - 500, end()]],
    ['bytes=-99999999', () => [0, end()]],
    ['bytes=10-99999999', () => [10, end()]],
    ['bytes=5-9,7-20', () => [5, 20]],
  ])('%s gives just those bytes', async (range, bounds) => {
    const [from, to] = bounds();
    const res = await read({ Range: range });
    expect(res.status).toBe(206);
    expect(res.headers['content-range']).toBe(`bytes ${from}-${to}/${bytes.length}`);
    expect(res.headers['content-length']).toBe(String(to - from + 1));
    expect(res.body.equals(bytes.subarray(from, to + 1))).toBe(true);
  });

  test('behind the end is 416 and says how many bytes there are', async () => {
    const res = await read({ Range: `bytes=${bytes.length}-` });
    expectProblem(res, 'range-not-satisfiable');
    expect(res.headers['content-range']).toBe(`bytes */${bytes.length}`);
    expect(res.headers['etag']).toBeUndefined();
  });

  test.each(['items=0-1', 'bytes=5-2', 'bytes=a-b', 'bytes=', 'bytes=0-1;2-3'])(
    '%s is no range and gives the whole',
    async (range) => {
      const res = await read({ Range: range });
      expect(res.status).toBe(200);
      expect(res.body.length).toBe(bytes.length);
    },
  );

  test('of several places is multipart/byteranges', async () => {
    const res = await fetch(service.url + media.url, { headers: { Range: 'bytes=0-4,100-109' } });
    expect(res.status).toBe(206);
    expect(res.headers.get('content-type')).toMatch(/^multipart\/byteranges; boundary=/);
    const text = Buffer.from(await res.arrayBuffer()).toString('latin1');
    expect(text).toContain(
      `Content-Range: bytes 0-4/${bytes.length}\r\n\r\n${bytes.toString('latin1', 0, 5)}\r\n`,
    );
    expect(text).toContain(
      `Content-Range: bytes 100-109/${bytes.length}\r\n\r\n${bytes.toString('latin1', 100, 110)}\r\n`,
    );
  });

  test('with If-Range counts only while the bytes are the same', async () => {
    const etag = `"${sha256(bytes)}"`;
    expect((await read({ Range: 'bytes=0-9', 'If-Range': etag })).status).toBe(206);
    expect((await read({ Range: 'bytes=0-9', 'If-Range': '"other"' })).status).toBe(200);
    expect((await read({ Range: 'bytes=0-9', 'If-Range': `W/${etag}` })).status).toBe(200);
  });
});

describe('Conditions', () => {
  test('304 for the ETag that is known, also in a list, weak, or as *', async () => {
    for (const known of [`"${sha256(bytes)}"`, `"a", "${sha256(bytes)}"`, `W/"${sha256(bytes)}"`, '*']) {
      const res = await read({ 'If-None-Match': known });
      expect(res.status).toBe(304);
      expect(res.headers).toMatchObject({
        etag: `"${sha256(bytes)}"`,
        'cache-control': expect.stringContaining('immutable'),
      });
      expect(res.text ?? '').toBe('');
    }
    expect((await read({ 'If-None-Match': '"other"' })).status).toBe(200);
  });

  test('304 for what has not changed since, 412 for another ETag than is asked for', async () => {
    const { headers } = await read();
    expect((await read({ 'If-Modified-Since': headers['last-modified']! })).status).toBe(304);
    expect((await read({ 'If-Modified-Since': 'Thu, 01 Jan 2015 00:00:00 GMT' })).status).toBe(200);
    expectProblem(await read({ 'If-Match': '"other"' }), 'precondition-failed');
    expect((await read({ 'If-Match': headers['etag']! })).status).toBe(200);
  });
});

describe('HEAD', () => {
  test('has the headers of GET and no body', async () => {
    const got = await read();
    const res = await service.api.head(media.url);
    expect(res.status).toBe(200);
    const without = (headers: Record<string, string>) => {
      const { date: _date, 'x-request-id': _id, ...same } = headers;
      return same;
    };
    expect(without(res.headers as Record<string, string>)).toEqual(without(got.headers));
    expect(res.text ?? '').toBe('');
  });

  test('of what is not there is 404 without a body, and keeps the connection usable', async () => {
    const res = await service.api.head('/media/nothing');
    expect(res.status).toBe(404);
    expect(res.text ?? '').toBe('');
    expect((await service.api.head('/api/media/nothing')).status).toBe(404);
  });
});

describe('Bytes that are damaged on the disk', () => {
  test('are healed from the vault and served good', async () => {
    const content = await picture();
    const one = await upload(service, content);
    await service.api.post('/api/backup');
    await writeFile(blobPath(service, one.sha256), Buffer.from(content).fill(0, 100, 200));
    const res = await service.api.get(one.url);
    expect(res.status).toBe(200);
    expect(sha256(res.body)).toBe(one.sha256);
    await truncate(blobPath(service, one.sha256), 10);
    expect(sha256((await service.api.get(one.url)).body)).toBe(one.sha256);
  });

  test('and nowhere else are an error, never good bytes', async () => {
    const one = await upload(service);
    await writeFile(blobPath(service, one.sha256), Buffer.alloc(Number(one['size'])));
    const res = await service.api.get(one.url);
    expectProblem(res, 'damaged');
    expect(res.headers['etag']).toBeUndefined();
    expect(res.headers['cache-control']).toBe('no-store');
    expect(Number(res.headers['retry-after'])).toBeGreaterThan(0);
  });
});
