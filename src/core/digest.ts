import { createHash } from 'node:crypto';
import { canonicalJson } from './json.ts';
import type { Change } from './change.ts';

/**
 * The digest of a state: the sum, modulo 2^256, of the SHA-256 of every live replicated row in canonical JSON. It does not
 * depend on order or engine, and a row can be added or taken out without reading the others.
 */
export type Digest = bigint;

export const emptyDigest: Digest = 0n;

const modulus = 1n << 256n;

export function addToDigest(digest: Digest, row: Change): Digest {
  return (digest + rowHash(row)) % modulus;
}

export function takeFromDigest(digest: Digest, row: Change): Digest {
  return (digest - rowHash(row) + modulus) % modulus;
}

/** 64 lowercase hexadecimal digits. */
export function digestText(digest: Digest): string {
  return digest.toString(16).padStart(64, '0');
}

export function parseDigest(text: string): Digest {
  return BigInt(`0x${text}`);
}

function rowHash(row: Change): bigint {
  const text = canonicalJson({ table: row.table, id: row.id, stamp: row.stamp, row: row.row });
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
}
