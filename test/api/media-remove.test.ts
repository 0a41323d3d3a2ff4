import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { picture, upload } from './pictures.ts';
import { blobPath, discard, expectProblem, sha256, startService, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => discard(service));

const get = (id: string) => service.api.get(`/api/media/${id}`);
const remove = (id: string, query = '') => service.api.delete(`/api/media/${id}${query}`);

async function listed(query: string): Promise<string[]> {
  const res = await service.api.get(`/api/media?limit=200&${query}`);
  return res.body.items.map(({ id }: { id: string }) => id);
}

describe('DELETE of a media', () => {
  test('moves it to the trash: out of the list, in the list of trash, its bytes still there', async () => {
    const media = await upload(service);
    const res = await remove(media.id);
    expect(res.status).toBe(204);
    expect(res.text).toBe('');
    expect(await listed('')).not.toContain(media.id);
    expect(await listed('trashed=true')).toContain(media.id);
    const trashed = await get(media.id);
    expect(trashed.body).toEqual({
      ...media,
      trashedAt: expect.any(String),
      updatedAt: trashed.body.trashedAt,
    });
    expect(sha256((await service.api.get(media.url)).body)).toBe(media.sha256);
  });

  test('may be sent twice', async () => {
    const media = await upload(service);
    await remove(media.id);
    const { trashedAt } = (await get(media.id)).body;
    expect((await remove(media.id)).status).toBe(204);
    expect((await get(media.id)).body.trashedAt).toBe(trashedAt);
  });

  test('is undone by untrash, which may be sent twice as well', async () => {
    const media = await upload(service);
    await remove(media.id);
    for (let time = 0; time < 2; time += 1) {
      const res = await service.api.post(`/api/media/${media.id}/untrash`);
      expect(res.status).toBe(200);
      expect(res.body).toEqual({ ...media, updatedAt: expect.any(String) });
    }
    expect(await listed('')).toContain(media.id);
    expect(await listed('trashed=true')).not.toContain(media.id);
  });

  test('hides a public media from those without a key', async () => {
    const media = await upload(service);
    await service.api.patch(`/api/media/${media.id}`).send({ visibility: 'public' });
    const stranger = () => service.api.get(media.url).set('X-Forwarded-For', '203.0.113.9');
    expect((await stranger()).status).toBe(200);
    await remove(media.id);
    expectProblem(await stranger(), 'unauthorized');
  });
});

describe('DELETE with purge=true', () => {
  test.each(['purge=true', 'purge=1', 'purge'])('(%s) removes the media and its bytes', async (query) => {
    const media = await upload(service);
    await service.api.get(`${media.url}/thumb`);
    expect((await remove(media.id, `?${query}`)).status).toBe(204);
    expectProblem(await get(media.id), 'not-found');
    expectProblem(await service.api.get(media.url), 'not-found');
    expectProblem(await service.api.get(`${media.url}/thumb`), 'not-found');
    expectProblem(await remove(media.id, '?purge=true'), 'not-found');
    expectProblem(await service.api.post(`/api/media/${media.id}/untrash`), 'not-found');
    expect([...(await listed('')), ...(await listed('trashed=true'))]).not.toContain(media.id);
    expect(existsSync(blobPath(service, media.sha256))).toBe(false);
  });

  test('takes what is in the trash, too', async () => {
    const media = await upload(service);
    await remove(media.id);
    expect((await remove(media.id, '?purge=true')).status).toBe(204);
    expectProblem(await get(media.id), 'not-found');
  });

  test('with purge=false is the trash, and with anything else is refused', async () => {
    const media = await upload(service);
    expectProblem(await remove(media.id, '?purge=yes'), 'malformed');
    expect((await remove(media.id, '?purge=false')).status).toBe(204);
    expect((await get(media.id)).body.trashedAt).not.toBeNull();
  });

  test('of one of two media with the same bytes keeps the bytes of the other, until that one goes as well', async () => {
    const bytes = await picture();
    const [one, two] = [await upload(service, bytes), await upload(service, bytes)];
    await remove(one.id, '?purge=true');
    const kept = await service.api.get(two.url);
    expect(kept.status).toBe(200);
    expect(sha256(kept.body)).toBe(two.sha256);
    expect((await service.api.get(`${two.url}/thumb`)).status).toBe(200);
    await remove(two.id, '?purge=true');
    expect(existsSync(blobPath(service, two.sha256))).toBe(false);
  });

  test('of media whose bytes are uploaded again at the same time never loses the new ones', async () => {
    const bytes = await picture();
    let last = await upload(service, bytes);
    for (let round = 0; round < 10; round += 1) {
      const [again] = await Promise.all([upload(service, bytes), remove(last.id, '?purge=true')]);
      const read = await service.api.get(again.url);
      expect({ round, status: read.status, sha256: sha256(read.body) }).toEqual({
        round,
        status: 200,
        sha256: sha256(bytes),
      });
      last = again;
    }
  });

  test('lets the same bytes be uploaded again as new', async () => {
    const bytes = await picture();
    await remove((await upload(service, bytes)).id, '?purge=true');
    const again = await upload(service, bytes);
    expect(again['deduplicated']).toBe(false);
    expect(sha256((await service.api.get(again.url)).body)).toBe(again.sha256);
  });
});
