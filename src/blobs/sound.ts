import type { BlobId } from '../core/blob.ts';

/** Remembers which files have been read whole and found sound, by a signature that changes when the file does. */
export interface SoundBlobs {
  knows(id: BlobId, signature: string): boolean;
  /** An empty signature says that the file changed while it was read: nothing is known. */
  note(id: BlobId, signature: string): void;
  forget(id: BlobId): void;
}

/** `most`: how many are remembered (about 250 bytes each); the rest is read again when it is asked for. */
export function createSoundBlobs(most: number): SoundBlobs {
  const signatures = new Map<BlobId, string>();
  return {
    knows: (id, signature) => signatures.get(id) === signature,
    note(id, signature) {
      signatures.delete(id);
      if (signature === '') return;
      signatures.set(id, signature);
      if (signatures.size > most) signatures.delete(signatures.keys().next().value!);
    },
    forget: (id) => void signatures.delete(id),
  };
}
