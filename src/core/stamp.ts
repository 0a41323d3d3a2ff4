/**
 * A hybrid logical clock reading plus the writer's id (Kulkarni et al., "Logical Physical Clocks", 2014), written so that
 * comparing two stamps as strings compares them in time: 9 base-36 digits of milliseconds, 4 of a counter, the writer.
 */
export type Stamp = string;

/** One run of one process: 12 lowercase base-36 characters, new at each boot. */
export type WriterId = string;

export interface StampClock {
  /** A stamp greater than every one this clock has given or seen. */
  next(): Stamp;
  /** Takes note of a stamp from elsewhere, so that the next one is greater. */
  see(stamp: Stamp): void;
}

const counterLimit = 36 ** 4;

export function stampClock(nowMs: () => number, writer: WriterId): StampClock {
  let lastMs = 0;
  let counter = 0;

  function advance(ms: number, count: number) {
    if (ms > lastMs) [lastMs, counter] = [ms, count];
    else if (ms === lastMs && count > counter) counter = count;
    if (counter >= counterLimit) [lastMs, counter] = [lastMs + 1, 0];
  }

  return {
    next() {
      const ms = nowMs();
      if (ms > lastMs) advance(ms, 0);
      else advance(lastMs, counter + 1);
      return formatStamp(lastMs, counter, writer);
    },
    see(stamp) {
      const seen = parseStamp(stamp);
      advance(seen.ms, seen.counter);
    },
  };
}

export function formatStamp(ms: number, counter: number, writer: WriterId): Stamp {
  return `${ms.toString(36).padStart(9, '0')}${counter.toString(36).padStart(4, '0')}-${writer}`;
}

export function parseStamp(stamp: Stamp): { ms: number; counter: number; writer: WriterId } {
  return {
    ms: Number.parseInt(stamp.slice(0, 9), 36),
    counter: Number.parseInt(stamp.slice(9, 13), 36),
    writer: stamp.slice(14),
  };
}
