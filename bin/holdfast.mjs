#!/usr/bin/env node
// Plain JavaScript, so that a Node too old for what follows still gets as far as saying so.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NODE_NEEDED = 24;
const compiled = fileURLToPath(new URL('../node_modules/.cache/holdfast', import.meta.url));
const bundledNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= NODE_NEEDED) {
  keepCompiled();
  await import('../src/main.ts');
} else if (existsSync(bundledNode) && realpathSync(bundledNode) !== realpathSync(process.execPath)) {
  runWith(bundledNode);
} else {
  console.error(
    `Holdfast needs Node ${NODE_NEEDED} or newer, and this is ${process.versions.node}: run "npm ci" in its folder, which brings one along, or install it.`,
  );
  process.exitCode = 1;
}

/** What is compiled once is kept: the next start is faster, and no thread needs the 25 MB that reading TypeScript takes. */
function keepCompiled() {
  const { directory } = module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? compiled);
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE = directory; // worker threads look here
}

function runWith(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to both processes; passed on, it would count as a second, impatient one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  child.on('error', (error) => {
    console.error(`Holdfast could not start the Node it brought along: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
