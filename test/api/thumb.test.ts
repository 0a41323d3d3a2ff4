import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { heic, twoFrames } from '../uploads/samples.ts';
import { brokenPicture, noise, picture, upload, video } from './pictures.ts';
import { discard, expectProblem, sha256, startService, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

async function thumbOf(bytes: Buffer) {
  const media = await upload(service, bytes);
  const res = await service.api.get(`${media.url}/thumb`);
  const shown = (media['variants'] as { thumb: { width: number; height: number } }).thumb;
  return { media, res, shown, meta: await sharp(res.body as Buffer).metadata() };
}

describe('The thumbnail', () => {
  test.each([
    ['wide', 1000, 500, 320, 160],
    ['tall', 400, 1600, 80, 320],
    ['small', 16, 12, 16, 12],
    ['one pixel', 1, 1, 1, 1],
    ['just as large', 320, 320, 320, 320],
    ['a thin line', 2000, 1, 320, 1],
  ])(
    'of a %s picture is WebP of the size that was said, never larger than the picture',
    async (_what, width, height, w, h) => {
      const { res, meta, shown } = await thumbOf(await picture(width, height));
      expect(res.status).toBe(200);
      expect(res.headers['content-type']).toBe('image/webp');
      expect(meta).toMatchObject({ format: 'webp', width: w, height: h });
      expect(shown).toMatchObject({ width: w, height: h });
    },
  );

  test.each([
    ['png', () => noise(640, 320).png({ compressionLevel: 0 }).toBuffer()],
    ['webp', () => noise(640, 320).webp().toBuffer()],
    ['gif', () => noise(640, 320).gif().toBuffer()],
    ['avif', () => noise(640, 320).avif({ effort: 0 }).toBuffer()],
    ['tiff', () => noise(640, 320).tiff().toBuffer()],
    ['animated webp', async () => (await twoFrames(640, 320)).webp().toBuffer()],
  ])('is made of %s, too', async (_format, make) => {
    const { meta } = await thumbOf(await make());
    expect(meta).toMatchObject({ format: 'webp', width: 320, height: 160 });
  });

  test('stands upright, however the camera was held', async () => {
    const { media, meta } = await thumbOf(await picture(640, 320, 6));
    expect(media).toMatchObject({ width: 320, height: 640 });
    expect(meta).toMatchObject({ width: 160, height: 320 });
    expect(meta.orientation ?? 1).toBe(1);
  });

  test('carries no place and no camera', async () => {
    const exif = {
      IFD0: { Make: 'SecretCamera' },
      IFD3: { GPSLatitude: '51/1 30/1 0/1', GPSLatitudeRef: 'N' },
    };
    const bytes = await noise(100, 80).jpeg().withExif(exif).toBuffer();
    expect(bytes.includes('SecretCamera')).toBe(true);
    const { res, meta } = await thumbOf(bytes);
    expect(meta.exif).toBeUndefined();
    expect((res.body as Buffer).includes('SecretCamera')).toBe(false);
  });

  test('has a strong ETag of its own bytes, ranges and a name of its own', async () => {
    const { media, res } = await thumbOf(await picture(400, 300));
    const { url } = media;
    expect(res.headers['etag']).toBe(`"${sha256(res.body)}"`);
    const conditional = await service.api.get(`${url}/thumb`).set('If-None-Match', res.headers['etag']!);
    expect(conditional.status).toBe(304);
    const part = await service.api.get(`${url}/thumb`).set('Range', 'bytes=0-3');
    expect(part.status).toBe(206);
    expect(part.body.toString()).toBe('RIFF');
    expect(res.headers['content-disposition']).toBe('inline; filename="photo-thumb.webp"');
    expect(res.headers['content-security-policy']).toBe("default-src 'none'; sandbox");
  });

  test('is made again when the cache is lost, the same as before', async () => {
    const { media, res } = await thumbOf(await picture(500, 400));
    await rm(join(service.dir, '.holdfast/variants'), { recursive: true });
    const again = await service.api.get(`${media.url}/thumb`);
    expect(sha256(again.body)).toBe(sha256(res.body));
  });

  test('asked for by many at once is the same for all', async () => {
    const { url } = await upload(service, await picture(800, 600));
    const answers = await Promise.all(Array.from({ length: 6 }, () => service.api.get(`${url}/thumb`)));
    expect(new Set(answers.map(({ body }) => sha256(body))).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  });
});

describe('There is no thumbnail', () => {
  test.each([
    ['a video', () => video()],
    ['HEIC, for which there is no free decoder', () => heic()],
  ])('of %s', async (_what, make) => {
    const media = await upload(service, make());
    expect(media['variants']).toEqual({});
    expectProblem(await service.api.get(`${media.url}/thumb`), 'not-found');
    expect((await service.api.get(`/api/media/${media.id}`)).body.damaged).toBe(false);
  });

  test('of a picture that cannot be decoded: it is kept as it was sent and marked damaged', async () => {
    const bytes = await brokenPicture();
    const media = await upload(service, bytes);
    expect(media).toMatchObject({ damaged: false, width: 400, height: 300 });
    expectProblem(await service.api.get(`${media.url}/thumb`), 'not-found');
    const marked = await service.api.get(`/api/media/${media.id}`);
    expect(marked.body).toMatchObject({ damaged: true, variants: {}, sha256: sha256(bytes) });
    expectProblem(await service.api.get(`${media.url}/thumb`), 'not-found');
    const stored = await service.api.get(media.url);
    expect(sha256(stored.body)).toBe(sha256(bytes));
  });
});
