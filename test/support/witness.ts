import type { NamedFile, Shown } from './api.ts';
import type { Random } from './seeded.ts';
import { difference, faceOf, type Face } from './face.ts';

/** A request that brings files. */
export interface Upload {
  readonly files: readonly NamedFile[];
  /** Its Idempotency-Key. */
  readonly key: string | undefined;
}

/** A promise of the service was broken; the text says which. */
export class Violation extends Error {}

/** What clients were told, and so what must be there, whatever happened since. */
export interface Witness {
  /** A request is on its way: what it brings may be there or not until it is answered. */
  sent(upload: Upload): void;
  /** It was answered 201, but which media it became never came through. */
  promised(upload: Upload): void;
  /** It was answered 201 with these media. */
  acknowledged(upload: Upload, media: readonly Shown[]): void;
  /** A media that nobody else changes now, until `changed` or `unsure`. */
  take(random: Random): Taken | undefined;
  /** Compares what is listed with what was promised. Returns what became of unanswered requests with a key. @throws Violation */
  settle(listed: ReadonlyMap<string, Shown>, options: { salvaged: boolean }): Repeatable[];
  /** A restore put this state in the place of the old one. */
  become(listed: ReadonlyMap<string, Shown>): void;
  /** Ids of media that are gone for good. */
  purged(): string[];
  /** The newest acknowledged requests with a key: asked again they must get the same answer. */
  answered(): readonly Repeatable[];
  /** Hashes of the blobs that must be there, once everything is settled. */
  blobs(): string[];
}

export interface Taken {
  readonly id: string;
  readonly face: Face;
  /** The change is on its way: from now on either may be found. null: purged */
  wants(face: Face | null): void;
  /** The change was acknowledged. */
  changed(): void;
  /** Nothing was asked for. */
  leave(): void;
}

/** A request with a key, and the media that it became; none: it was never committed. */
export interface Repeatable {
  readonly upload: Upload;
  readonly ids: readonly string[];
}

interface Entry {
  face: Face | null;
  /** What an unanswered change would make of it. */
  maybe: { face: Face | null } | undefined;
  taken: boolean;
}

/** Their bytes are held in memory. */
const mostAnswered = 5;

export function createWitness(): Witness {
  const entries = new Map<string, Entry>();
  const open = new Set<Upload>();
  const promised = new Set<Upload>();
  const answered: Repeatable[] = [];

  return {
    sent: (upload) => void open.add(upload),
    promised: (upload) => void promised.add(upload),

    acknowledged(upload, media) {
      open.delete(upload);
      upload.files.forEach((file, index) => {
        const shown = media[index];
        if (shown?.sha256 !== file.sha256 || shown.size !== file.bytes.length || shown.name !== file.name)
          throw new Violation(
            `an upload of ${file.name} (${file.sha256}) was answered with ${JSON.stringify(shown)}`,
          );
        entries.set(shown.id, { face: faceOf(shown), maybe: undefined, taken: false });
      });
      if (upload.key === undefined) return;
      answered.unshift({ upload, ids: media.map(({ id }) => id) });
      answered.splice(mostAnswered);
    },

    take(random) {
      const free = [...entries].filter(([, { face, taken }]) => face !== null && !taken);
      if (free.length === 0) return undefined;
      const [id, entry] = random.pick(free);
      entry.taken = true;
      return {
        ...{ id, face: entry.face! },
        wants: (face) => void (entry.maybe = { face }),
        changed() {
          entry.face = entry.maybe!.face;
          entry.maybe = undefined;
          entry.taken = false;
        },
        leave: () => void (entry.taken = false),
      };
    },

    settle(listed, { salvaged }) {
      for (const [id, entry] of entries) settleEntry(id, entry, listed.get(id));
      const unknown = [...listed.values()].filter(({ id }) => !entries.has(id));
      const repeatable: Repeatable[] = [];
      for (const upload of open) {
        const found = claim(upload, unknown, salvaged);
        for (const shown of found)
          entries.set(shown.id, { face: faceOf(shown), maybe: undefined, taken: false });
        const ids = found.filter(isOriginal).map(({ id }) => id);
        if (ids.length === 0 && promised.has(upload))
          throw new Violation(
            `answered 201, but not listed: ${upload.files.map(({ sha256 }) => sha256).join(', ')}`,
          );
        if (upload.key !== undefined) repeatable.push({ upload, ids });
      }
      open.clear();
      promised.clear();
      if (unknown.length > 0)
        throw new Violation(`listed, but never sent: ${JSON.stringify(unknown.slice(0, 5))}`);
      return repeatable;
    },

    become(listed) {
      for (const [id, entry] of entries) if (!listed.has(id)) entry.face = null;
      for (const [id, shown] of listed)
        entries.set(id, { face: faceOf(shown), maybe: undefined, taken: false });
    },

    purged: () => [...entries].filter(([, { face }]) => face === null).map(([id]) => id),
    answered: () => answered,
    blobs: () => [
      ...new Set([...entries.values()].flatMap(({ face }) => (face === null ? [] : [face.sha256]))),
    ],
  };
}

function settleEntry(id: string, entry: Entry, shown: Shown | undefined): void {
  const found = shown === undefined ? null : faceOf(shown);
  const asPromised = difference(entry.face, found);
  if (asPromised !== undefined) {
    if (entry.maybe === undefined || difference(entry.maybe.face, found) !== undefined)
      throw new Violation(`media ${id} is not as it was promised: ${asPromised}`);
  }
  Object.assign(entry, { face: found, maybe: undefined, taken: false });
}

/**
 * Takes out of `unknown` what an unanswered request brought: all of its files or none, as they were committed together.
 * Where the catalog was lost, bytes without a row become media of their own, each by itself.
 */
function claim(upload: Upload, unknown: Shown[], salvaged: boolean): Shown[] {
  const found: Shown[] = [];
  for (const { sha256 } of upload.files) {
    const at = unknown.findIndex((shown) => shown.sha256 === sha256 && (isOriginal(shown) || salvaged));
    if (at >= 0) found.push(...unknown.splice(at, 1));
  }
  const whole = found.filter(isOriginal).length;
  if (whole !== 0 && whole !== upload.files.length)
    throw new Violation(
      `of ${upload.files.length} files sent together only ${whole} are listed: ${JSON.stringify(found)}`,
    );
  return found;
}

function isOriginal(shown: Shown): boolean {
  return !shown.tags.includes('salvaged');
}
