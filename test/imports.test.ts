import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));

describe('The import rule', () => {
  test('is kept by every file in src', async () => {
    expect(await violationsIn(project)).toEqual([]);
  });

  describe('catches', () => {
    const forbidden = [
      ['src/catalog/a.ts', `import { b } from '../blobs/b.ts';`, 'catalog-imports-downwards'],
      ['src/blobs/a.ts', `import type { b } from '../vault/b.ts';`, 'blobs-imports-downwards'],
      ['src/vault/a.ts', `export { b } from '../catalog/b.ts';`, 'vault-imports-downwards'],
      ['src/vault/start.ts', `import { b } from '../start.ts';`, 'vault-imports-downwards'],
      ['src/core/a.ts', `import type { b } from '../jobs/b.ts';`, 'core-imports-downwards'],
      ['src/core/package.ts', `import { z } from 'zod';`, 'core-imports-no-package'],
      ['src/core/type.ts', `import type { z } from 'zod';`, 'core-imports-no-package'],
      ['src/uploads/a.ts', `import { b } from '../media/b.ts';`, 'uploads-imports-downwards'],
      ['src/media/a.ts', `import { b } from '../catalog/b.ts';`, 'media-imports-downwards'],
      ['src/backups/a.ts', `import { b } from '../recovery/b.ts';`, 'backups-imports-downwards'],
      ['src/jobs/a.ts', `const b = await import('../uploads/b.ts');`, 'jobs-imports-downwards'],
      ['src/host/a.ts', `import { b } from '../config.ts';`, 'host-imports-downwards'],
      ['src/recovery/a.ts', `import { b } from '../uploads/b.ts';`, 'recovery-imports-downwards'],
      ['src/http/a.ts', `import { b } from '../catalog/b.ts';`, 'http-imports-downwards'],
      ['src/http/cli.ts', `import { b } from '../cli/b.ts';`, 'http-imports-downwards'],
      ['src/http/config.ts', `import type { b } from '../config.ts';`, 'http-imports-downwards'],
      ['src/cli/a.ts', `import { b } from '../start.ts';`, 'cli-imports-downwards'],
      ['src/uploads/express.ts', `import type { Request } from 'express';`, 'home-of-express'],
      ['src/uploads/multer.ts', `import multer from 'multer';`, 'home-of-express'],
      ['src/jobs/helmet.ts', `import helmet from 'helmet';`, 'home-of-express'],
      ['src/main.ts', `import { pinoHttp } from 'pino-http';`, 'home-of-express'],
      ['src/cli/cors.ts', `import cors from 'cors';`, 'home-of-express'],
      ['src/backups/sqlite.ts', `import Database from 'better-sqlite3';`, 'home-of-better-sqlite3'],
      ['src/jobs/pg.ts', `import pg from 'pg';`, 'home-of-better-sqlite3'],
      ['src/media/kysely.ts', `import type { Kysely } from 'kysely';`, 'home-of-better-sqlite3'],
      ['src/blobs/disk.ts', `import { S3Client } from '@aws-sdk/client-s3';`, 'home-of-aws-sdk'],
      ['src/uploads/sharp.ts', `import sharp from 'sharp';`, 'home-of-sharp'],
      ['src/host/df.ts', `import { execFile } from 'node:child_process';`, 'home-of-child-processes'],
      ['src/main-cli.ts', `import { Command } from 'commander';`, 'home-of-commander'],
      ['src/utils/a.ts', `import { b } from '../core/b.ts';`, 'every-folder-has-a-layer-itself'],
      ['src/start.ts', `import { b } from './utils/b.ts';`, 'every-folder-has-a-layer'],
      ['src/config.ts', `import { b } from '../test/b.ts';`, 'src-stands-alone'],
      ['src/media/cycle-back.ts', `import type { b } from './cycle.ts';`, 'no-cycles'],
    ] as const;
    const allowed = [
      // The other half of the cycle above, which is reported once.
      ['src/media/cycle.ts', `import { b } from './cycle-back.ts';`],
      ['src/main.ts', `import { b } from './catalog/b.ts';`],
      ['src/http/routes/ok.ts', `import { b } from '../../recovery/b.ts'; import express from 'express';`],
      ['src/cli/ok.ts', `import { b } from '../host/b.ts'; import { Command } from 'commander';`],
      ['src/recovery/ok.ts', `import { b } from '../backups/b.ts'; import { c } from '../core/b.ts';`],
      ['src/catalog/ok.ts', `import { b } from '../core/b.ts'; import Database from 'better-sqlite3';`],
      ['src/catalog/worker.ts', `import { parentPort } from 'node:worker_threads'; import './b.ts';`],
      ['src/blobs/s3.ts', `import { S3Client } from '@aws-sdk/client-s3';`],
      ['src/vault/s3.ts', `import { S3Client } from '@aws-sdk/client-s3';`],
      ['src/media/ok.ts', `import sharp from 'sharp'; import { execFile } from 'node:child_process';`],
      ['src/core/ok.ts', `import type { Readable } from 'node:stream'; import type { b } from './b.ts';`],
    ] as const;
    let folder: string;
    let found: Violation[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'holdfast-imports-'));
      found = await violationsIn(await plant(folder, [...forbidden, ...allowed]));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test.each(forbidden)('%s: %s', (file, _source, rule) => {
      expect(found).toContainEqual({ file, rule });
    });

    test('nothing else', () => {
      const expected = new Set(forbidden.map(([file, , rule]) => `${file} ${rule}`));
      expect(found.filter(({ file, rule }) => !expected.has(`${file} ${rule}`))).toEqual([]);
    });
  });
});

interface Violation {
  file: string;
  rule: string;
}

/** Runs dependency-cruiser over `folder`/src with the project's rules. */
async function violationsIn(folder: string): Promise<Violation[]> {
  const cruiser = join(project, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const rules = join(project, '.dependency-cruiser.cjs');
  const report = await outputOf([cruiser, '--config', rules, '--output-type', 'json', 'src'], folder);
  const { summary } = JSON.parse(report) as {
    summary: { totalCruised: number; violations: { from: string; to: string; rule: { name: string } }[] };
  };
  if (summary.totalCruised === 0) throw new Error(`dependency-cruiser found nothing to read in ${folder}`);
  return summary.violations.map(({ from, rule }) => ({ file: from, rule: rule.name }));
}

/** The exit code says how many violations there are, so only an answer that is no report is a failure. */
function outputOf(args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(stdout);
      else reject(new Error(`dependency-cruiser gave no report: ${stderr}`, { cause: error }));
    });
  });
}

/** Makes a small project of these files, in which each folder of src also has a b.ts to import. */
async function plant(folder: string, files: (readonly [string, string, ...string[]])[]): Promise<string> {
  const sources = new Map<string, string>();
  for (const [file, source] of files) {
    sources.set(file, `${sources.get(file) ?? ''}${source}\n`);
    sources.set(join(dirname(file), 'b.ts'), 'export const b = 1;\n');
  }
  sources.set('test/b.ts', 'export const b = 1;\n');
  for (const [file, source] of sources) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), source);
  }
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
