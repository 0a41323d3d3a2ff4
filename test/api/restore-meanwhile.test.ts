import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { picture, upload } from './pictures.ts';
import { adminKey, allMedia, discard, expectProblem, sha256, startService, type Running } from './support.ts';

let service: Running;

beforeAll(async () => {
  service = await startService({ ADMIN_KEY: adminKey });
  for (let count = 0; count < 5; count += 1) await upload(service);
});
afterAll(() => discard(service));

const restore = (name: string) => service.api.post(`/api/restore/${name}`);
const backup = async (): Promise<string> => (await service.api.post('/api/backup')).body.name;

/** Keeps sending until the restore has answered; gives every answer. */
async function whileRestoring<T>(name: string, send: () => Promise<T>) {
  let running = true;
  const restored = restore(name).then((res) => {
    running = false;
    return res;
  });
  const answers: T[] = [];
  const lane = async () => {
    while (running) answers.push(await send());
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return { restored: await restored, answers };
}

describe('While a restore runs', () => {
  test('another restore and a backup are told to wait, and just one restore is made', async () => {
    const name = await backup();
    const [first, ...others] = await Promise.all([
      restore(name),
      restore(name),
      restore('latest'),
      service.api.post('/api/backup'),
    ]);
    const refused = others.filter(({ status }) => status === 409);
    for (const res of refused) {
      expectProblem(res, 'busy');
      expect(Number(res.headers['retry-after'])).toBeGreaterThan(0);
    }
    const restores = [first, others[0], others[1]].filter(({ status }) => status === 200);
    expect(restores).toHaveLength(1);
  });

  test('uploads are finished or told to come again, and none that was acknowledged is lost', async () => {
    const name = await backup();
    const { restored, answers } = await whileRestoring(name, async () => {
      const bytes = await picture();
      const res = await service.api.post('/api/uploads').set('Content-Type', 'image/jpeg').send(bytes);
      return { res, sha256: sha256(bytes) };
    });
    expect(restored.status).toBe(200);
    for (const { res } of answers.filter(({ res }) => res.status !== 201)) {
      expectProblem(res, 'unavailable');
      expect(Number(res.headers['retry-after'])).toBeGreaterThan(0);
    }
    const kept = answers.filter(({ res }) => res.status === 201).map(({ res }) => res.body.id as string);
    const now = (await allMedia(service, '')).map(({ id }) => id);
    for (const id of kept.filter((one) => now.includes(one))) {
      const media = (await service.api.get(`/api/media/${id}`)).body;
      expect(sha256((await service.api.get(media.url)).body)).toBe(media.sha256);
    }
    expect((await restore(restored.body.previous as string)).status).toBe(200);
    const before = (await allMedia(service, '')).map(({ id }) => id);
    expect(kept.filter((id) => !now.includes(id) && !before.includes(id))).toEqual([]);
    for (const media of await allMedia(service, ''))
      expect(sha256((await service.api.get(media['url'] as string)).body)).toBe(media['sha256']);
  });

  test('reads are answered all the time', async () => {
    const [one] = await allMedia(service, '');
    const name = await backup();
    const { answers } = await whileRestoring(name, async () => [
      (await service.api.get('/api/media?limit=3')).status,
      (await service.api.get(one!['url'] as string)).status,
      (await service.api.get('/api/health')).status,
    ]);
    expect(answers.length).toBeGreaterThan(0);
    for (const statuses of answers) expect(statuses).toEqual([200, 200, 200]);
  });

  test('keys that are made last, and keys that are revoked stay revoked', async () => {
    const name = await backup();
    const add = () => service.api.post('/api/keys').send({ name: 'made meanwhile', scopes: ['read'] });
    const { answers } = await whileRestoring(name, async () => {
      const made = await add();
      if (made.status !== 201) return { made };
      const other = await add();
      if (other.status !== 201) return { made };
      return { made, other, revoked: await service.api.delete(`/api/keys/${other.body.id}`) };
    });
    const kept = answers.filter(({ made }) => made.status === 201);
    expect(kept.length).toBeGreaterThan(0);
    for (const { made } of answers.filter(({ made }) => made.status !== 201))
      expectProblem(made, 'unavailable');
    for (const { made, other, revoked } of kept) {
      expect((await service.as(made.body.key).get('/api/media?limit=1')).status).toBe(200);
      const gone = revoked?.status === 204;
      if (gone) expect((await service.as(other!.body.key).get('/api/media?limit=1')).status).toBe(401);
    }
  });
});
