import { setTimeout as sleep } from 'node:timers/promises';
import {
  NoAnswer,
  send,
  sendJson,
  upload,
  type Answer,
  type HowToSend,
  type NamedFile,
  type Shown,
} from './api.ts';
import type { Face } from './face.ts';
import type { Picture, Pictures } from './pictures.ts';
import { seeded, type Random } from './seeded.ts';
import { Violation, type Witness } from './witness.ts';

export interface LoadParts {
  readonly url: string;
  readonly witness: Witness;
  readonly pictures: Pictures;
  readonly random: Random;
  readonly clients: number;
  /** Whether the disk may have failed: a request that is refused then is like one that was never answered. */
  readonly mayFail: () => boolean;
  /** The longest pause of a client between two requests; 0: none. */
  readonly mostPauseMs: number;
}

export interface Load {
  /** Nothing new is sent; resolves when everything under way is answered, or will never be. @throws Violation */
  finish(): Promise<void>;
  /** How many requests were answered. */
  answers(): number;
}

/** Clients that upload, edit, trash and purge until they are told to stop or the service is gone. */
export function startLoad(parts: LoadParts): Load {
  const now = { stopped: false, answers: 0 };
  const clients = Promise.all(
    Array.from({ length: parts.clients }, (_, index) =>
      client(parts, seeded(parts.random.between(index, 2 ** 31)), now),
    ),
  );
  clients.catch(() => undefined); // told to whoever waits for them
  return {
    async finish() {
      now.stopped = true;
      await clients;
    },
    answers: () => now.answers,
  };
}

interface Now {
  stopped: boolean;
  answers: number;
}

async function client(parts: LoadParts, random: Random, now: Now): Promise<void> {
  while (!now.stopped) {
    const act = random.next() < 0.75 ? bring(parts, random) : change(parts, random);
    if (!(await answered(act, parts.mayFail))) return;
    now.answers += 1;
    if (parts.mostPauseMs > 0) await sleep(random.between(0, parts.mostPauseMs + 1));
  }
}

/** False: the connection ended before the answer. */
async function answered(act: Promise<void>, mayFail: () => boolean): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if (error instanceof NoAnswer || (error instanceof Refused && mayFail())) return false;
    throw error;
  }
}

async function bring({ url, witness, pictures }: LoadParts, random: Random): Promise<void> {
  const { files, ...how } = whatToSend(pictures, random);
  const sent = { files, key: how.key };
  witness.sent(sent);
  const answer = await upload(url, files, how).catch((error: unknown) => {
    if (error instanceof NoAnswer && error.status === 201) witness.promised(sent);
    throw error;
  });
  require201(answer, `an upload of ${files.length} files, ${how.how}`);
  witness.acknowledged(sent, (files.length === 1 ? [answer.body] : answer.body.items) as Shown[]);
}

function whatToSend(pictures: Pictures, random: Random): HowToSend & { files: NamedFile[] } {
  const named = (picture: Picture): NamedFile => ({ ...picture, name: `IMG_${random.between(1, 9999)}.jpg` });
  const small = () => named(pictures.small());
  const keyed = (files: NamedFile[]) => ({ files, key: `key-${files[0]!.sha256.slice(0, 24)}` });
  const dice = random.next();
  if (dice < 0.3) return { how: 'form', files: [small()] };
  if (dice < 0.55) return { how: 'raw', files: [small()] };
  if (dice < 0.6) return { how: 'slow', files: [named(pictures.large())] };
  if (dice < 0.63) return { how: 'chunked', files: [named(pictures.large())] };
  if (dice < 0.65) return { how: 'form', files: [named(pictures.large())] };
  if (dice < 0.8) return { how: random.pick(['form', 'raw'] as const), ...keyed([small()]) };
  if (dice < 0.85) return { how: 'form', ...keyed([small(), small()]) };
  if (dice < 0.95) return { how: 'form', files: Array.from({ length: random.between(2, 6) }, small) };
  const twice = pictures.small(); // one blob for two media
  return { how: 'form', files: [named(twice), named(twice)] };
}

async function change({ url, witness }: LoadParts, random: Random): Promise<void> {
  const taken = witness.take(random);
  if (taken === undefined) return;
  const { id, face } = taken;
  const dice = random.next();
  if (dice < 0.5) {
    const edit = {
      name: `named-${random.between(0, 1e6)}.jpg`,
      tags: [`t${random.between(0, 9)}`],
      description: `d${dice}`,
    };
    taken.wants({ ...face, ...edit });
    require(await sendJson(url, 'PATCH', `/api/media/${id}`, edit), 200, 'an edit');
  } else if (dice < 0.75) {
    const trashed: Face = { ...face, trashed: !face.trashed };
    taken.wants(trashed);
    if (trashed.trashed) require(await send(url, 'DELETE', `/api/media/${id}`), 204, 'a DELETE');
    else require(await send(url, 'POST', `/api/media/${id}/untrash`), 200, 'an untrash');
  } else {
    taken.wants(null);
    require(await send(url, 'DELETE', `/api/media/${id}?purge=true`), 204, 'a purge');
  }
  taken.changed();
}

/** Nobody had a reason to refuse it, unless its disk failed. */
class Refused extends Violation {}

function require201(answer: Answer, what: string): void {
  require(answer, 201, what);
  if (answer.headers.get('holdfast-durable') !== 'disk')
    throw new Violation(`${what}: no Holdfast-Durable in a 201`);
}

function require({ status, body }: Answer, wanted: number, what: string): void {
  if (status !== wanted) throw new Refused(`${what} was answered with ${status}: ${JSON.stringify(body)}`);
}
