import type { BlobId, BlobRef, Incoming, Intake } from '../core/blob.ts';
import { HoldfastError } from '../core/error.ts';
import { cleanName } from './names.ts';
import { recognise, type Recognised } from './recognise.ts';

/** What the client says of a body: to check or to show, never to believe. */
export interface Hints {
  readonly name: string | undefined;
  /** The SHA-256 it announced. */
  readonly sha256: BlobId | undefined;
}

export interface Limits {
  readonly maxUploadBytes: number;
  readonly maxPixels: number;
}

/** A body that is wholly here and is what we take, not yet kept. Ends with exactly one of `keep` and `drop`. */
export interface Arrived {
  readonly recognised: Recognised;
  readonly name: string;
  /** Durable on return. @throws digest-mismatch, no-space, unavailable; nothing is kept then */
  keep(): Promise<BlobRef>;
  drop(): Promise<void>;
}

interface Parts {
  readonly intake: Intake;
  readonly limits: Limits;
}

/** How much of a long body is looked into. Headers that come later are left to the full decode. */
const headBytes = 1024 * 1024;

/** A body that is wholly in memory. @throws unsupported-type, unreadable-image, too-large */
export function receiveWhole({ intake, limits }: Parts, bytes: Uint8Array, hints: Hints): Arrived {
  requireSize(bytes.length, limits);
  const recognised = recognise(bytes, limits, true);
  return {
    recognised,
    name: cleanName(hints.name, recognised.type),
    keep: () => intake.whole(bytes, hints.sha256),
    drop: () => Promise.resolve(),
  };
}

/**
 * A body of any length, on its way to the disk while it is hashed, counted and recognised.
 * @throws unsupported-type, unreadable-image, too-large, digest-mismatch, no-space, unavailable, what `body` throws
 */
export async function receiveStream(
  { intake, limits }: Parts,
  body: AsyncIterable<Uint8Array>,
  hints: Hints,
): Promise<Arrived> {
  const incoming = await intake.begin();
  try {
    const recognised = await write(incoming, body, limits);
    const ref = await incoming.end();
    requireDigest(ref, hints.sha256);
    return {
      recognised,
      name: cleanName(hints.name, recognised.type),
      keep: () => keepOrDrop(incoming, ref),
      drop: () => incoming.drop(),
    };
  } catch (error) {
    await incoming.drop();
    throw error;
  }
}

async function write(
  incoming: Incoming,
  body: AsyncIterable<Uint8Array>,
  limits: Limits,
): Promise<Recognised> {
  let sizeBytes = 0;
  let head: Uint8Array[] | undefined = [];
  let recognised: Recognised | undefined;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    requireSize(sizeBytes, limits);
    head?.push(chunk);
    if (head !== undefined && sizeBytes >= headBytes) {
      recognised = recognise(Buffer.concat(head), limits, false);
      head = undefined;
    }
    await incoming.write(chunk);
  }
  return recognised ?? recognise(Buffer.concat(head ?? []), limits, true);
}

async function keepOrDrop(incoming: Incoming, ref: BlobRef): Promise<BlobRef> {
  try {
    await incoming.keep();
    return ref;
  } catch (error) {
    await incoming.drop();
    throw error;
  }
}

function requireSize(sizeBytes: number, { maxUploadBytes }: Limits): void {
  if (sizeBytes <= maxUploadBytes) return;
  throw new HoldfastError(
    'too-large',
    `A file may have at most ${maxUploadBytes} bytes. Send a smaller one.`,
    {
      facts: { maxBytes: maxUploadBytes },
    },
  );
}

function requireDigest(ref: BlobRef, announced: BlobId | undefined): void {
  if (announced === undefined || announced === ref.id) return;
  throw new HoldfastError(
    'digest-mismatch',
    `The bytes that arrived have the SHA-256 ${ref.id}, not the one that was announced. Nothing was kept; send them again.`,
  );
}
