import type { Logger } from 'pino';

/** What the process has met and an operator should know, each once, until it is over. */
export interface Troubles {
  add(name: string, message: string): void;
  clear(name: string): void;
  all(): string[];
}

/** Health shows so many; the log has them all. */
const mostShown = 20;
const mostKept = 1000;

export function createTroubles(log: Logger): Troubles {
  const known = new Map<string, string>();
  return {
    add(name, message) {
      if (known.get(name) !== message) log.warn({ trouble: name }, message);
      if (known.size < mostKept || known.has(name)) known.set(name, message);
    },
    clear: (name) => void known.delete(name),
    all: () => [...known.values()].slice(0, mostShown),
  };
}
