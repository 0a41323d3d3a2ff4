import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { access } from 'node:fs/promises';
import { picture, upload, video } from './pictures.ts';
import {
  blobPath,
  discard,
  expectProblem,
  filesIn,
  reprDigest,
  sha256,
  startService,
  type Running,
} from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

describe('A form with one file', () => {
  test('is answered 201 with the media, its place, its digest and what was waited for', async () => {
    const bytes = await picture(64, 48);
    const before = Date.now();
    const res = await service.api.post('/api/uploads').attach('file', bytes, 'IMG_1.jpg');
    expect(res.status).toBe(201);
    expect(res.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      location: `/api/media/${res.body.id}`,
      'repr-digest': reprDigest(bytes),
      'holdfast-durable': 'disk',
    });
    expect(res.body).toEqual({
      id: expect.stringMatching(/^[0-9a-v]{26}$/),
      kind: 'image',
      url: `/media/${res.body.id}`,
      name: 'IMG_1.jpg',
      type: 'image/jpeg',
      size: bytes.length,
      sha256: sha256(bytes),
      width: 64,
      height: 48,
      animated: false,
      damaged: false,
      durationMs: null,
      placeholder: null,
      variants: { thumb: { url: `/media/${res.body.id}/thumb`, width: 64, height: 48, type: 'image/webp' } },
      tags: [],
      description: null,
      visibility: 'private',
      takenAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: res.body.createdAt,
      trashedAt: null,
      deduplicated: false,
    });
    expect(Date.parse(res.body.createdAt)).toBeGreaterThanOrEqual(before);
    await access(blobPath(service, sha256(bytes)));
  });

  test.each(['file', 'files', 'files[]', 'image', 'images', 'media'])(
    'is taken in the field %s',
    async (field) => {
      const res = await service.api.post('/api/uploads').attach(field, await picture(), 'a.jpg');
      expect(res.status).toBe(201);
      expect(res.body.name).toBe('a.jpg');
    },
  );

  test('in a field of another name is refused, and the fields that may be used are named', async () => {
    const bytes = await picture();
    const res = await service.api.post('/api/uploads').attach('avatar', bytes, 'a.jpg');
    expectProblem(res, 'malformed');
    expect(res.body.allowed).toEqual(['file', 'files', 'files[]', 'image', 'images', 'media']);
    expect(await filesIn(`${service.dir}/uploads`)).not.toContainEqual(
      expect.stringContaining(sha256(bytes)),
    );
  });

  test('may be a video, which has no size in pixels and no thumbnail', async () => {
    const media = await upload(service, video(), 'clip.mp4');
    expect(media).toMatchObject({
      kind: 'video',
      type: 'video/mp4',
      width: null,
      height: null,
      variants: {},
    });
  });

  test('has the type of its bytes, whatever its name and its Content-Type say', async () => {
    const options = { filename: 'page.html', contentType: 'text/html' };
    const res = await service.api.post('/api/uploads').attach('file', await picture(), options);
    expect(res.body).toMatchObject({ type: 'image/jpeg', name: 'page.html' });
  });

  test('with a sha256 before it is compared: the right one is taken', async () => {
    const bytes = await picture();
    const res = await service.api
      .post('/api/uploads')
      .field('sha256', sha256(bytes).toUpperCase())
      .attach('file', bytes, 'a.jpg');
    expect(res.status).toBe(201);
  });

  test('with a sha256 of other bytes is refused, and nothing of it is kept', async () => {
    const bytes = await picture();
    const before = await filesIn(`${service.dir}/uploads`);
    const res = await service.api
      .post('/api/uploads')
      .field('sha256', sha256('other'))
      .attach('file', bytes, 'a.jpg');
    expectProblem(res, 'digest-mismatch');
    expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
  });

  test('with a sha256 that is none is refused', async () => {
    const res = await service.api
      .post('/api/uploads')
      .field('sha256', 'abc')
      .attach('file', await picture(), 'a.jpg');
    expectProblem(res, 'malformed');
  });
});

describe('A form with several files', () => {
  test('is answered 201 with one media for each, in order', async () => {
    const files = [await picture(), video(), await picture()];
    const res = await service.api
      .post('/api/uploads')
      .attach('files', files[0]!, '1.jpg')
      .attach('files', files[1]!, '2.mp4')
      .attach('images', files[2]!, '3.jpg');
    expect(res.status).toBe(201);
    expect(res.headers).toMatchObject({ 'holdfast-durable': 'disk' });
    expect(res.headers['location']).toBeUndefined();
    expect(res.body.items.map((media: { name: string }) => media.name)).toEqual(['1.jpg', '2.mp4', '3.jpg']);
    expect(res.body.items.map((media: { sha256: string }) => media.sha256)).toEqual(
      files.map((file) => sha256(file)),
    );
  });

  test('of which some are bad is answered 207, and the good ones are kept', async () => {
    const good = [await picture(), await picture()];
    const res = await service.api
      .post('/api/uploads')
      .attach('files', good[0]!, '1.jpg')
      .attach('files', Buffer.from('<html><script>alert(1)</script>'), '2.html')
      .field('sha256', sha256('something else'))
      .attach('files', await picture(), '3.jpg')
      .attach('wrong', await picture(), '4.jpg')
      .attach('files', good[1]!, '5.jpg');
    expect(res.status).toBe(207);
    expect(res.body.items.map(({ status }: { status: number }) => status)).toEqual([201, 415, 400, 400, 201]);
    expect(res.body.items[1].problem).toMatchObject({
      type: 'urn:holdfast:problem:unsupported-type',
      status: 415,
      code: 'unsupported-type',
      requestId: res.headers['x-request-id'],
    });
    expect(res.body.items[2].problem.code).toBe('digest-mismatch');
    for (const at of [0, 4]) {
      const { media } = res.body.items[at];
      const stored = await service.api.get(media.url);
      expect(sha256(stored.body)).toBe(media.sha256);
    }
  });

  test('of which all are bad is answered 207 with the problem of each, and keeps nothing', async () => {
    const before = await filesIn(`${service.dir}/uploads`);
    const res = await service.api
      .post('/api/uploads')
      .attach('files', Buffer.from('%PDF-1.7'), 'a.pdf')
      .attach('files', Buffer.from('text'), 'b.txt');
    expect(res.status).toBe(207);
    expect(res.body.items.map(({ status }: { status: number }) => status)).toEqual([415, 415]);
    expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
  });

  test('checks each sha256 against the file that comes after it', async () => {
    const files = [await picture(), await picture()];
    const res = await service.api
      .post('/api/uploads')
      .field('sha256', sha256(files[0]!))
      .attach('files', files[0]!, '1.jpg')
      .field('sha256', sha256(files[1]!))
      .attach('files', files[1]!, '2.jpg');
    expect(res.status).toBe(201);
  });

  test('of the same bytes gives each a media of its own that shares them', async () => {
    const bytes = await picture();
    const res = await service.api
      .post('/api/uploads')
      .attach('files', bytes, '1.jpg')
      .attach('files', bytes, '2.jpg');
    const [one, two] = res.body.items;
    expect(one.id).not.toBe(two.id);
    expect(one.sha256).toBe(two.sha256);
    expect([one.name, two.name]).toEqual(['1.jpg', '2.jpg']);
  });
});

test('A form without files is refused, and says how to send one', async () => {
  const res = await service.api.post('/api/uploads').field('title', 'no file');
  expectProblem(res, 'malformed');
  expect(res.body.detail).toContain('-F file=@');
});

test('The same bytes again are a media of their own that says deduplicated, with one copy on the disk', async () => {
  const bytes = await picture();
  const first = await upload(service, bytes, 'first.jpg');
  const before = await filesIn(`${service.dir}/uploads`);
  const second = await upload(service, bytes, 'second.jpg');
  expect(first['deduplicated']).toBe(false);
  expect(second).toMatchObject({ deduplicated: true, sha256: first.sha256, name: 'second.jpg' });
  expect(second.id).not.toBe(first.id);
  expect(await filesIn(`${service.dir}/uploads`)).toEqual(before);
  const read = await service.api.get(`/api/media/${second.id}`);
  expect(read.body.deduplicated).toBe(false);
});
