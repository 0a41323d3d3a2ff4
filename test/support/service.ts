import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ServiceOptions {
  readonly dataDir: string;
  /** Settings beside those that every service here gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the command, such as those of a tracer. */
  readonly prefix?: readonly string[];
  /** A copy of the project to run instead of this one. */
  readonly root?: string;
  /** Its output is added to this file; without one it goes nowhere. */
  readonly logFile?: string;
}

export interface Service {
  readonly url: string;
  readonly pid: number;
  /** Everything it has printed, when there is a log file. */
  log(): string;
  running(): boolean;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
  /** An orderly end; resolves when the process is gone. */
  stop(): Promise<void>;
}

const here = fileURLToPath(new URL('../..', import.meta.url));
const readyWithinMs = 60_000;
const stopWithinMs = 30_000;

const children = new Set<ChildProcess>();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** The service as a process of its own, ready for requests. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const service = await launchService(options);
  await untilReady(service);
  return service;
}

/** The same, but not waited for: it may still be starting, or never come up. */
export async function launchService(options: ServiceOptions): Promise<Service> {
  const port = await freePort();
  const child = launch(options, port);
  const exited = once(child, 'exit').then(() => children.delete(child));
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    running,
    log: () => (options.logFile === undefined ? '' : readFileSync(options.logFile, 'utf8')),
    async kill() {
      if (running()) child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      if (running()) child.kill('SIGTERM');
      const impatience = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      await exited;
      clearTimeout(impatience);
    },
  };
}

/** @throws what the service printed, when it ends or is not ready in time */
export async function untilReady(service: Service): Promise<void> {
  const giveUpMs = performance.now() + readyWithinMs;
  while (!(await isReady(service.url))) {
    if (!service.running() || performance.now() > giveUpMs) {
      await service.kill();
      throw new Error(`the service did not become ready:\n${service.log().slice(-4000)}`);
    }
    await sleep(10);
  }
}

export async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/api/ready`, { signal: AbortSignal.timeout(5000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // not listening yet
  }
}

function launch(options: ServiceOptions, port: number): ChildProcess {
  const { dataDir, env = {}, prefix = [], root = here, logFile } = options;
  const words = [...prefix, process.execPath, 'bin/holdfast.mjs', 'serve'];
  const output = logFile === undefined ? 'ignore' : openSync(logFile, 'a');
  const child = spawn(words[0]!, words.slice(1), {
    cwd: root,
    // nothing of the caller's settings, so that a run means the same wherever it is started
    env: { ...inherited(), PORT: String(port), DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...own, ...env },
    stdio: ['ignore', output, output],
  });
  if (typeof output === 'number') closeSync(output);
  children.add(child);
  return child;
}

/** No backup may begin by itself in the middle of the night. */
const own = { HOST: '127.0.0.1', BACKUP_CRON: 'off' };

function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
