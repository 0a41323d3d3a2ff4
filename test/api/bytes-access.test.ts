import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { upload } from './pictures.ts';
import { adminKey, discard, expectProblem, sha256, startService, type Running } from './support.ts';

let service: Running;
let anonymous: Running['api'];

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
  anonymous = service.as(null);
});
afterAll(() => discard(service));

async function publicMedia() {
  const media = await upload(service);
  await service.api.patch(`/api/media/${media.id}`).send({ visibility: 'public' });
  return media;
}

const sign = (id: string, body: object) => service.api.post(`/api/media/${id}/sign`).send(body);

describe('Without a key', () => {
  test('a public media and its thumbnail are served to everybody, and may be kept by every cache', async () => {
    const { url } = await publicMedia();
    for (const path of [url, `${url}/thumb`]) {
      const res = await anonymous.get(path);
      expect(res.status).toBe(200);
      expect(res.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
  });

  test('a private one is 401, just as one that does not exist', async () => {
    const { url } = await upload(service);
    const [there, missing] = [await anonymous.get(url), await anonymous.get(`/media/${'0'.repeat(26)}`)];
    expectProblem(there, 'unauthorized');
    expectProblem(missing, 'unauthorized');
    expect(there.body.detail).toBe(missing.body.detail);
    expect(there.headers['www-authenticate']).toMatch(/^Bearer/);
    expectProblem(await anonymous.get(`${url}/thumb`), 'unauthorized');
    expect((await anonymous.head(url)).status).toBe(401);
  });

  test('one that was public is private again at once', async () => {
    const media = await publicMedia();
    await service.api.patch(`/api/media/${media.id}`).send({ visibility: 'private' });
    expectProblem(await anonymous.get(media.url), 'unauthorized');
  });
});

describe('A signed URL', () => {
  test('opens its media for whoever has it, until it expires', async () => {
    const media = await upload(service);
    const before = Date.now();
    const res = await sign(media.id, { expiresInSeconds: 60 });
    expect(res.status).toBe(200);
    expect(res.body.url).toMatch(new RegExp(`^${media.url}\\?`));
    const expires = Date.parse(res.body.expiresAt);
    expect(expires).toBeGreaterThan(before + 58_000);
    expect(expires).toBeLessThanOrEqual(Date.now() + 60_000);
    const got = await anonymous.get(res.body.url);
    expect(got.status).toBe(200);
    expect(sha256(got.body)).toBe(media.sha256);
    expect(got.headers['cache-control']).toMatch(/^private/);
    expect((await anonymous.head(res.body.url)).status).toBe(200);
    const part = await anonymous.get(`${res.body.url}&download=1`).set('Range', 'bytes=0-3');
    expect(part.status).toBe(206);
    expect(part.headers['content-disposition']).toMatch(/^attachment/);
  });

  test('that was changed anywhere opens nothing', async () => {
    const [media, other] = [await upload(service), await upload(service)];
    const { url } = (await sign(media.id, { expiresInSeconds: 60 })).body as { url: string };
    const query = new URLSearchParams(url.split('?')[1]);
    const [expires, signature] = [query.get('expires')!, query.get('signature')!];
    const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    const changed = [
      `${media.url}?expires=${expires}&signature=${flipped}`,
      `${media.url}?expires=${Number(expires) + 1}&signature=${signature}`,
      `${media.url}?expires=${expires}0&signature=${signature}`,
      `${media.url}?signature=${signature}`,
      `${media.url}?expires=&signature=${signature}`,
      `${media.url}?expires=${expires}&signature=`,
      `${media.url}?expires=${expires}&signature=${signature}&signature=${signature}x`.replace(
        `signature=${signature}&`,
        '',
      ),
      `${other.url}?expires=${expires}&signature=${signature}`,
      `${media.url}/thumb?expires=${expires}&signature=${signature}`,
    ];
    for (const one of changed) {
      const res = await anonymous.get(one);
      expect({ one, status: res.status }).toEqual({ one, status: 403 });
      expectProblem(res, 'forbidden');
    }
    expect((await anonymous.get(url)).status).toBe(200);
  });

  test('that has expired opens nothing', async () => {
    const media = await upload(service);
    const query = service.holdfast.service.signer.sign(media.url, Date.now() - 2000);
    expectProblem(await anonymous.get(`${media.url}?${query}`), 'forbidden');
  });

  test('for the thumbnail opens that and not the picture', async () => {
    const media = await upload(service);
    const { url } = (await sign(media.id, { expiresInSeconds: 60, variant: 'thumb' })).body;
    expect(url).toMatch(new RegExp(`^${media.url}/thumb\\?`));
    expect((await anonymous.get(url)).headers['content-type']).toBe('image/webp');
    expectProblem(await anonymous.get(url.replace('/thumb', '')), 'forbidden');
  });

  test('of a media that was purged finds nothing', async () => {
    const media = await upload(service);
    const { url } = (await sign(media.id, { expiresInSeconds: 60 })).body;
    await service.api.delete(`/api/media/${media.id}?purge=true`);
    expectProblem(await anonymous.get(url), 'not-found');
  });

  test('outlives a restart and a restore', async () => {
    const media = await upload(service);
    const { url } = (await sign(media.id, { expiresInSeconds: 600 })).body;
    const backup = await service.api.post('/api/backup');
    expect((await service.api.post(`/api/restore/${backup.body.name}`)).status).toBe(200);
    expect((await anonymous.get(url)).status).toBe(200);
    await service.stop();
    service = await startService({ ADMIN_KEY: adminKey }, service.dir);
    anonymous = service.as(null);
    expect((await anonymous.get(url)).status).toBe(200);
  });

  test.each<[object, string]>([
    [{}, 'expiresInSeconds'],
    [{ expiresInSeconds: 0 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 1.5 }, 'expiresInSeconds'],
    [{ expiresInSeconds: '60' }, 'expiresInSeconds'],
    [{ expiresInSeconds: 31_536_001 }, 'expiresInSeconds'],
    [{ expiresInSeconds: 60, variant: 'huge' }, 'variant'],
    [{ expiresInSeconds: 60, for: 'me' }, 'for'],
  ])('is not made for %j, and the member is named', async (body, member) => {
    const { id } = await upload(service);
    const res = await sign(id, body);
    expectProblem(res, 'malformed');
    expect(JSON.stringify(res.body.wrong)).toContain(member);
  });
});
