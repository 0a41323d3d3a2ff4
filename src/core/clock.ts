/** Time, randomness and ids come in as parts, so that a test can set them. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  nowMs(): number;
  /** Milliseconds of a clock that never jumps back; its zero means nothing. */
  monotonicMs(): number;
}

export interface Ids {
  /** An id for a media made at `createdMs`: 26 characters of 0-9 and a-v that sort by time. */
  media(createdMs: number): string;
  /** `length` random characters of 0-9 and a-z. */
  random(length: number): string;
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyz';
const timeDigits = 10; // 50 bits of milliseconds: until the year 37648
const tailDigits = 16; // 80 bits: a counter step and randomness

/**
 * Ids as a UUIDv7 would be (RFC 9562 §6.2, method 2): time first, then a random start that is counted up within one
 * millisecond, so that the ids of one process sort in the order in which they were made.
 */
export function createIds(randomBytes: (count: number) => Uint8Array): Ids {
  let lastMs = -1;
  let tail = 0n;

  return {
    media(createdMs) {
      if (createdMs === lastMs) tail += 1n + BigInt(randomBytes(1)[0]!);
      else [lastMs, tail] = [createdMs, randomTail(randomBytes)];
      return mediaIdAt(createdMs) + tail.toString(32).padStart(tailDigits, '0');
    },
    random(length) {
      let text = '';
      while (text.length < length) {
        // 252 is the largest multiple of 36 in a byte: anything above would favour the first digits
        for (const byte of randomBytes(length))
          if (byte < 252 && text.length < length) text += digits[byte % 36];
      }
      return text;
    },
  };
}

/** The first ten characters of every id made at that millisecond: the lower bound of its ids. */
export function mediaIdAt(ms: number): string {
  return Math.max(0, Math.floor(ms)).toString(32).padStart(timeDigits, '0').slice(-timeDigits);
}

/** Asks for much at once: a call to the system for each of a few bytes costs more than the bytes. */
export function pooled(randomBytes: (count: number) => Uint8Array): (count: number) => Uint8Array {
  const poolBytes = 4096;
  let pool = new Uint8Array(0);
  let taken = 0;
  return (count) => {
    if (count > poolBytes) return randomBytes(count);
    if (taken + count > pool.length) [pool, taken] = [randomBytes(poolBytes) as Uint8Array<ArrayBuffer>, 0];
    taken += count;
    return pool.subarray(taken - count, taken);
  };
}

const mediaIdPattern = /^[0-9a-v]{26}$/;

export function isMediaId(text: string): boolean {
  return mediaIdPattern.test(text);
}

function randomTail(randomBytes: (count: number) => Uint8Array): bigint {
  let value = 0n;
  for (const byte of randomBytes(9)) value = (value << 8n) | BigInt(byte);
  return value; // 72 bits, which leaves 8 for counting up
}
