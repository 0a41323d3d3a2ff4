import { join } from 'node:path';
import { bytesOf, listAll, send, upload, type Shown } from '../support/api.ts';
import { litterIn } from '../support/folder.ts';
import { sha256 } from '../support/pictures.ts';
import { untilNothing } from '../support/until.ts';
import { Violation, type Repeatable } from '../support/witness.ts';
import type { Scene } from './scene.ts';

export interface CheckOptions {
  /** The catalog was lost: bytes of unanswered uploads may have become media of their own. */
  readonly salvaged: boolean;
  /** Whether nothing may lie about that no media needs. */
  readonly tidy: boolean;
  /** How many media are fetched beside those that are new; the file of every blob is read anyhow. */
  readonly fetchMost: number;
}

const healedWithinMs = 20_000;

/** Holds the service, just started, against everything its clients were told. @throws Violation */
export async function checkScene(scene: Scene, { salvaged, tidy, fetchMost }: CheckOptions): Promise<number> {
  const { service, witness } = scene;
  const unanswered = witness.settle(await listAll(service.url), { salvaged });
  for (const answered of witness.answered()) await repeat(scene, answered);
  await repeatUnanswered(scene, unanswered);
  const listed = await listAll(service.url);
  await checkFetched(scene, listed, fetchMost);
  for (const id of scene.random.shuffled(witness.purged()).slice(0, 10)) await checkGone(scene, id);
  await checkFiles(scene, listed, tidy);
  return listed.size;
}

/** A client that got no answer asks again with its key: the first answer if there was one, else a new one, never twice. */
async function repeatUnanswered(scene: Scene, unanswered: readonly Repeatable[]): Promise<void> {
  for (const repeatable of unanswered) {
    const { upload: sent } = repeatable;
    scene.witness.sent(sent);
    scene.witness.acknowledged(sent, await repeat(scene, repeatable));
  }
}

/** Returns the media in the answer. */
async function repeat({ service }: Scene, { upload: sent, ids }: Repeatable): Promise<Shown[]> {
  const { status, headers, body } = await upload(service.url, sent.files, { how: 'form', key: sent.key });
  if (status !== 201)
    throw new Violation(`a repeated upload was answered with ${status}: ${JSON.stringify(body)}`);
  const media = (sent.files.length === 1 ? [body] : body.items) as Shown[];
  const replayed = headers.get('idempotency-replayed') === 'true';
  if (replayed !== ids.length > 0 || (replayed && media.some(({ id }) => !ids.includes(id)))) {
    const was = replayed ? 'was' : 'was not';
    throw new Violation(`a repeated upload ${was} replayed; it had become ${ids.join(', ') || 'nothing'}`);
  }
  return media;
}

/** Whatever is listed answers with its own bytes. */
async function checkFetched(scene: Scene, listed: ReadonlyMap<string, Shown>, most: number): Promise<void> {
  const { fetched, random } = scene;
  const ids = [...listed.keys()];
  const others = random.shuffled(ids.filter((id) => fetched.has(id))).slice(0, most);
  const queue = [...ids.filter((id) => !fetched.has(id)), ...others];
  const lane = async () => {
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) await checkBytes(scene, listed.get(id)!);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

export async function checkBytes(
  { service, fetched }: Scene,
  { id, sha256: promised }: Shown,
): Promise<void> {
  const { status, bytes } = await bytesOf(service.url, id);
  if (status !== 200)
    throw new Violation(`GET /media/${id} (${promised}) was answered with ${status}: ${bytes.toString()}`);
  if (sha256(bytes) !== promised) throw new Violation(`GET /media/${id} gave other bytes than ${promised}`);
  fetched.add(id);
}

async function checkGone({ service }: Scene, id: string): Promise<void> {
  for (const path of [`/media/${id}`, `/api/media/${id}`]) {
    const { status } = await send(service.url, 'GET', path);
    if (status !== 404) throw new Violation(`${id} was purged, and GET ${path} is answered with ${status}`);
  }
}

/** At rest every blob is whole, and nothing lies about that no media needs. The sweep may still be at it. */
async function checkFiles(
  { dataDir, damageOf }: Scene,
  listed: ReadonlyMap<string, Shown>,
  tidy: boolean,
): Promise<void> {
  const blobs = new Set([...listed.values()].map((shown) => shown.sha256));
  const look = async () => {
    const wrong: string[] = [];
    for (const blob of blobs) {
      const damage = await damageOf(blob);
      if (damage !== undefined) wrong.push(`uploads/${blob[0]}/${blob} is ${damage}`);
    }
    return tidy ? [...wrong, ...(await litterIn(dataDir, blobs))] : wrong;
  };
  await untilNothing(look, healedWithinMs).catch((error: Error) => {
    throw new Violation(`in ${join(dataDir)}: ${error.message}`);
  });
}
