import type { Shown } from './api.ts';

/** What clients see of a media and what must stay as it is until somebody changes it. */
export interface Face {
  readonly sha256: string;
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly description: string | null;
  readonly createdAt: string;
  readonly trashed: boolean;
}

export function faceOf(shown: Shown): Face {
  const { sha256, size, type, name, tags, description, createdAt, trashedAt } = shown;
  return { sha256, size, type, name, tags, description, createdAt, trashed: trashedAt !== null };
}

/** In words; undefined: there is none. null stands for a media that is not listed, or must not be. */
export function difference(promised: Face | null, found: Face | null): string | undefined {
  const [before, after] = [JSON.stringify(promised), JSON.stringify(found)];
  if (before === after) return undefined;
  if (promised === null) return `it must not be there, and is listed as ${after}`;
  if (found === null) return `it is not listed, and was ${before}`;
  return `it was ${before}, and is ${after}`;
}

/** Whether two listings show the same media in the same state. Returns up to five differences. */
export function differences(before: ReadonlyMap<string, Shown>, after: ReadonlyMap<string, Shown>): string[] {
  const ids = new Set([...before.keys(), ...after.keys()]);
  const face = (shown: Shown | undefined) => (shown === undefined ? null : faceOf(shown));
  return [...ids]
    .flatMap((id) => {
      const found = difference(face(before.get(id)), face(after.get(id)));
      return found === undefined ? [] : [`${id}: ${found}`];
    })
    .slice(0, 5);
}
