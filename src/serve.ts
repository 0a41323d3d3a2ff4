import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import type { Settings } from './config.ts';
import { writeDurably } from './core/durable.ts';
import { createApp } from './http/app.ts';
import { startServer, type RunningServer } from './http/server.ts';
import type { Service } from './http/parts.ts';
import { addKey, listKeys } from './keys/keys.ts';
import { clock, ids, startHoldfast, type Holdfast } from './start.ts';
import { foldersIn } from './start/folders.ts';

export const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

export interface Serving {
  readonly url: string;
  readonly holdfast: Holdfast;
  /** Running requests finish within `timeoutMs`, then everything is closed. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ServeParts {
  readonly settings: Settings;
  readonly log: Logger;
  /** Called with a key that is shown this one time; null: nobody would see it, so none is made. */
  readonly announceKey: ((secret: string) => void) | null;
}

/** Listens at once, says that it is recovering until it has recovered, and then serves. */
export async function serve({ settings, log, announceKey }: ServeParts): Promise<Serving> {
  const now: { service: Service | undefined; stopping: boolean } = { service: undefined, stopping: false };
  const app = createApp({
    ...{ settings: { ...settings, version }, log, clock, ids },
    service: () => now.service,
    stopping: () => now.stopping,
  });
  const server = await startServer(app, settings);
  const url = `http://${hostIn(server.host)}:${server.port}`;
  const holdfast = await startHoldfast(settings, log).catch(async (error: unknown) => {
    await server.stop(0);
    throw error;
  });
  if (settings.production && settings.adminKey === null && announceKey !== null) {
    await makeFirstKey(holdfast.service, announceKey);
  }
  now.service = holdfast.service;
  const running = foldersIn(settings.dataDir).running;
  await writeDurably(running, JSON.stringify({ url: localUrl(server), key: holdfast.localKey }), 0o600); // whoever can read it may do everything
  return {
    url,
    holdfast,
    async stop(timeoutMs) {
      now.stopping = true;
      await server.stop(timeoutMs);
      await rm(running, { force: true });
      await holdfast.close();
    },
  };
}

/** Without any key nobody could use it, and without need of one anybody could. */
async function makeFirstKey(
  { catalog, keys, keyring }: Service,
  announceKey: (secret: string) => void,
): Promise<void> {
  if ((await listKeys(catalog)).length > 0) return;
  const { secret } = await addKey(keys, { name: 'first admin key', scopes: ['admin'], expiresMs: null });
  await keyring.reload();
  announceKey(secret);
}

function hostIn(host: string): string {
  const named = host === '::' || host === '0.0.0.0' ? 'localhost' : host;
  return named.includes(':') ? `[${named}]` : named;
}

/** How this machine reaches it, whatever it listens on. */
function localUrl({ host, port }: RunningServer): string {
  return `http://${host === '::' || host === '0.0.0.0' ? '127.0.0.1' : hostIn(host)}:${port}`;
}
