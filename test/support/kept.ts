import { expect } from '@jest/globals';
import { bytesOf, listAll, upload, type Answer, type HowToSend, type Shown } from './api.ts';
import { differences } from './face.ts';
import { litterIn } from './folder.ts';
import { sha256, type Picture } from './pictures.ts';
import { untilNothing } from './until.ts';

/** Uploads one picture. What is answered 201 is remembered in `kept`. */
export async function bring(
  url: string,
  kept: Map<string, Shown>,
  picture: Picture,
  how: HowToSend['how'] = 'form',
): Promise<Answer> {
  const answer = await upload(url, [{ ...picture, name: 'picture.jpg' }], { how });
  if (answer.status === 201) kept.set(answer.body.id, answer.body as Shown);
  return answer;
}

/** Exactly what was acknowledged is listed, every byte of it is served, and nothing else lies about. */
export async function expectExactly(
  url: string,
  dataDir: string,
  kept: ReadonlyMap<string, Shown>,
): Promise<void> {
  const listed = await listAll(url);
  expect(differences(kept, listed)).toEqual([]);
  for (const shown of listed.values()) {
    const { status, bytes } = await bytesOf(url, shown.id);
    expect([shown.id, status, sha256(bytes)]).toEqual([shown.id, 200, shown.sha256]);
  }
  const blobs = new Set([...listed.values()].map((shown) => shown.sha256));
  await untilNothing(() => litterIn(dataDir, blobs), 10_000);
}

/** An RFC 9457 problem of that status and code. */
export function expectProblem({ status, headers, body }: Answer, wanted: number, code: string): void {
  expect([status, body.code, body.status]).toEqual([wanted, code, wanted]);
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
}
