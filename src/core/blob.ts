import type { Readable } from 'node:stream';

/** The SHA-256 of the bytes, 64 lowercase hexadecimal digits. */
export type BlobId = string;

export interface BlobRef {
  readonly id: BlobId;
  readonly sizeBytes: number;
}

/** First and last byte, both included, as in RFC 9110 §14.1.2. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Immutable bytes under their own hash. A blob is absent or whole, whatever crashes. */
export interface BlobStore {
  /**
   * Stores what `body` yields; durable on return. Nothing is kept unless length and hash are those of `ref`.
   * @throws damaged (other bytes than `ref` says), no-space, unavailable
   */
  put(ref: BlobRef, body: Readable): Promise<void>;

  /**
   * Takes over `file`, a flushed local file with the bytes of `ref`, by rename where it can; durable on return.
   * @throws no-space, unavailable
   */
  adopt(ref: BlobRef, file: string): Promise<void>;

  /** The bytes, or those of `range`. @throws not-found or damaged, before the first byte; unavailable */
  open(id: BlobId, range?: ByteRange): Promise<Readable>;

  /** The bytes at any place, as serving needs them. @throws as `open` */
  reader(id: BlobId): Promise<BlobReader>;

  /** Bytes, or undefined when there is no such blob. @throws unavailable */
  size(id: BlobId): Promise<number | undefined>;

  /** Removes it if it is there. @throws unavailable */
  remove(id: BlobId): Promise<void>;

  /** Every blob, in no order. @throws unavailable */
  list(): AsyncIterable<BlobRef>;
}

/** A blob that is open. Must be closed, once everything read from it has been used. */
export interface BlobReader {
  readonly sizeBytes: number;
  /** Fills `into` from `position` on; how many bytes there were, 0 at the end. @throws unavailable */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): void;
}

/** Removes those of these blobs that no media names. Must not be called from within the gate. */
export type CollectBlobs = (ids: readonly BlobId[]) => Promise<void>;

/** Where the bytes of an upload land before they have a name. */
export interface Intake {
  /** Memory for a small body; undefined when it is too large or too many have some: it must then be streamed. */
  room(sizeBytes: number): Room | undefined;

  /**
   * Keeps a body that is wholly in memory: hashed, written, flushed, named, its folder flushed; durable on return. Bytes
   * that lie in a room are used where they are, others are copied; they must not change before it returns.
   * @throws digest-mismatch when `expected` is another hash (nothing kept), no-space, unavailable
   */
  whole(bytes: Uint8Array, expected?: BlobId): Promise<BlobRef>;

  /** Starts a body of unknown length. @throws no-space, unavailable */
  begin(): Promise<Incoming>;
}

/** Memory that the intake can read without copying. Of exactly the size that was asked for. */
export interface Room {
  readonly bytes: Buffer<ArrayBufferLike>;
  /** Gives it back; nothing may use it afterwards. */
  release(): void;
}

/** One body on its way to the disk. Ends with exactly one of `keep` and `drop`; both may be called after a failure. */
export interface Incoming {
  /** Resolves when there is room for more, not when the bytes are written. @throws no-space, unavailable */
  write(chunk: Uint8Array): Promise<void>;

  /** Everything is written and hashed, nothing has a name yet. @throws no-space, unavailable */
  end(): Promise<BlobRef>;

  /** Flushes the bytes, names them, flushes the folder; durable on return. After `end`. @throws no-space, unavailable */
  keep(): Promise<void>;

  /** Forgets the body and its temporary file. Safe to repeat; does nothing after `keep`. */
  drop(): Promise<void>;
}

const blobIdPattern = /^[0-9a-f]{64}$/;

export function isBlobId(text: string): text is BlobId {
  return blobIdPattern.test(text);
}
