/** Starts what is measured, each on a port and a folder of its own, and sees to it that none outlives the run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

export const CONTENDERS = ['baseline', 'flushed', 'holdfast'] as const;
export type Contender = (typeof CONTENDERS)[number];

export type Environment = { [name: string]: string };

export type Server = {
  port: number;
  /** The most memory the process and its children have held since they started; NaN where /proc does not tell. */
  peakBytes(): number;
  stop(): Promise<void>;
};

const ROOT = path.resolve(import.meta.dirname, '..');
// A catalog of a million rows may have something to do at boot.
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 20_000;

const children = new Set<ChildProcess>();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

export async function startServer(
  contender: Contender,
  dataDir: string,
  extra: Environment,
): Promise<Server> {
  const port = await freePort();
  const log = `${dataDir}.log`;
  const child = launch(contender, log, environment(contender, { port, dataDir, extra }));
  children.add(child);
  child.once('exit', () => children.delete(child));
  await untilHealthy(child, port, `${contender} did not start`, log);
  return { port, peakBytes: () => peakBytes(child.pid), stop: () => stop(child) };
}

function launch(contender: Contender, log: string, env: Environment): ChildProcess {
  const args = {
    baseline: ['bench/baseline.ts'],
    flushed: ['bench/baseline.ts', '--flush'],
    holdfast: ['--max-semi-space-size=1', 'bin/holdfast.mjs', 'serve'],
  };
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, args[contender], {
    cwd: ROOT,
    env,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  return child;
}

type Place = { port: number; dataDir: string; extra: Environment };

/** Nothing of the caller's settings reaches a server, so that a run means the same wherever it is started. */
function environment(contender: Contender, { port, dataDir, extra }: Place): Environment {
  const own = { PORT: String(port), HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn' };
  // NODE_ENV stays unset for Holdfast: in development, requests from this machine need no key.
  const chosen = contender === 'holdfast' ? extra : { NODE_ENV: 'production' };
  return { ...inherited(), ...own, ...chosen };
}

export function inherited(): Environment {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function untilHealthy(
  child: ChildProcess,
  port: number,
  complaint: string,
  log: string,
): Promise<void> {
  const giveUpMs = performance.now() + START_LIMIT_MS;
  while (!(await healthy(port))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || performance.now() > giveUpMs) {
      child.kill('SIGKILL');
      throw new Error(`${complaint}:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    }
    await sleep(25);
  }
}

async function healthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/health`, {
      signal: AbortSignal.timeout(5000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // Not listening yet.
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(impatience);
}

/** VmHWM, which the kernel keeps: no sampling that could miss the peak. */
function peakBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const own = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    const childPids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return childPids.reduce((sum, childPid) => sum + peakBytes(Number(childPid)), own);
  } catch {
    return NaN;
  }
}
