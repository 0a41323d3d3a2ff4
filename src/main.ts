import { readFile } from 'node:fs/promises';
import { pino, type Logger } from 'pino';
import type { Operator } from './cli/operator.ts';
import { runCommand } from './cli/program.ts';
import { settings as readSettings, type Settings } from './config.ts';
import { planOnly } from './start/doctor.ts';
import { foldersIn } from './start/folders.ts';
import { serve, version } from './serve.ts';

process.umask(0o027); // what is stored here is nobody else's

/** The process: one program for the service and for the commands. */
process.exitCode = await runCommand(process.argv.slice(2), {
  version,
  serve: serveUntilSignal,
  operator: reachService,
  plan: () => planOnly(readSettings(), quiet()),
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
});

async function serveUntilSignal(): Promise<number> {
  const settings = readSettings();
  const log = pino({ level: settings.logLevel });
  for (const warning of settings.warnings) log.warn(warning);
  const signalled = firstSignal();
  const serving = await serve({ settings, log, announceKey });
  const { durable, warning } = (await serving.holdfast.service.health()).storage;
  log.info(
    { url: serving.url, dataDir: settings.dataDir, durable, version },
    `Holdfast serves at ${serving.url}`,
  );
  if (warning !== null) log.warn(warning);
  if (!serving.holdfast.service.keyring.required()) {
    log.warn(
      'No key is configured: whoever sends requests from this machine may do everything. Set ADMIN_KEY to change that.',
    );
  }
  const signal = await signalled;
  log.info({ signal }, 'stopping: running requests are finished first');
  await serving.stop(settings.shutdownTimeoutMs);
  log.info('stopped');
  return 0;
}

/** The first signal asks for an orderly end, the second ends at once. */
function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
        resolve(signal);
      });
    }
  });
}

function announceKey(secret: string): void {
  process.stdout.write(
    `\nThis is the first start without ADMIN_KEY. Your admin key, shown only now:\n\n  ${secret}\n\n`,
  );
}

/** The running service, or one of our own on a port of this machine for as long as the command takes. */
async function reachService(): Promise<Operator> {
  const settings = readSettings();
  const running = await runningService(settings);
  if (running !== undefined) return { ...running, close: () => Promise.resolve() };
  const own = { ...settings, host: '127.0.0.1', port: 0, backupEvery: 0, backupCron: null };
  const serving = await serve({ settings: own, log: quiet(), announceKey: null });
  return { url: serving.url, key: serving.holdfast.localKey, close: () => serving.stop(0) };
}

async function runningService(settings: Settings): Promise<{ url: string; key: string } | undefined> {
  try {
    const { url, key } = JSON.parse(await readFile(foldersIn(settings.dataDir).running, 'utf8')) as Record<
      string,
      string
    >;
    const headers = { Authorization: `Bearer ${key}` };
    const answer = await fetch(`${url}/api/keys`, { headers, signal: AbortSignal.timeout(5000) });
    return answer.ok ? { url: url!, key: key! } : undefined; // another service may have the port by now
  } catch {
    return undefined; // none runs, or one was killed and left its note
  }
}

function quiet(): Logger {
  return pino({ level: 'error' }, pino.destination(2));
}
