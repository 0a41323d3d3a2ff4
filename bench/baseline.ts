/**
 * The plain way to take uploads, which every figure here is a ratio to: Express, multer to disk, one SQLite insert.
 *
 *     PORT=3000 DATA_DIR=/tmp/plain node bench/baseline.ts [--flush]
 *
 * Without `--flush` nothing is flushed: an answered upload is lost when the power goes. With it, the flushes are added
 * where most people would add them: in the route, one upload at a time.
 */
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import Database from 'better-sqlite3';
import express from 'express';
import type { Express } from 'express';
import multer from 'multer';
import { randomUUID } from 'node:crypto';

type Row = { id: string; name: string; type: string; size: number; file: string; createdAt: string };

const FOUR_GB = 4 * 1024 ** 3;

serve({
  port: Number(process.env['PORT'] ?? 3000),
  dataDir: process.env['DATA_DIR'] ?? 'data',
  flush: process.argv.includes('--flush'),
});

function serve({ port, dataDir, flush }: { port: number; dataDir: string; flush: boolean }): void {
  const uploadsFolder = path.resolve(dataDir, 'uploads');
  mkdirSync(uploadsFolder, { recursive: true });
  const catalog = openCatalog(path.join(dataDir, 'catalog.db'), flush);
  const server = plainApp({ uploadsFolder, catalog, flush }).listen(port, '127.0.0.1');
  process.once('SIGTERM', () => {
    server.close(() => catalog.close());
    server.closeIdleConnections();
  });
}

function openCatalog(file: string, flush: boolean): Database.Database {
  const catalog = new Database(file);
  catalog.pragma('journal_mode = WAL');
  catalog.pragma(`synchronous = ${flush ? 'FULL' : 'OFF'}`);
  catalog.exec(`CREATE TABLE IF NOT EXISTS media (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL, file TEXT NOT NULL, createdAt TEXT NOT NULL
  ) STRICT`);
  return catalog;
}

type Parts = { uploadsFolder: string; catalog: Database.Database; flush: boolean };

function plainApp({ uploadsFolder, catalog, flush }: Parts): Express {
  const insert = catalog.prepare<[Row]>(
    'INSERT INTO media VALUES (@id, @name, @type, @size, @file, @createdAt)',
  );
  const find = catalog.prepare<[string], Row>('SELECT * FROM media WHERE id = ?');
  const count = catalog.prepare<[], number>('SELECT count(*) FROM media').pluck();
  const upload = multer({
    storage: multer.diskStorage({
      destination: uploadsFolder,
      filename: (_request, _file, done) => {
        done(null, randomUUID());
      },
    }),
    limits: { files: 1, fields: 10, fileSize: FOUR_GB },
  });

  const app = express();
  app.disable('x-powered-by');

  app.post('/api/uploads', upload.single('file'), async (request, response) => {
    const file = request.file;
    if (!file) {
      response.status(400).json({ error: 'Send one file in the field "file".' });
      return;
    }
    if (flush) {
      await flushPath(file.path);
      await flushPath(uploadsFolder);
    }
    const row: Row = {
      id: file.filename,
      name: file.originalname,
      type: file.mimetype,
      size: file.size,
      file: file.filename,
      createdAt: new Date().toISOString(),
    };
    insert.run(row);
    response
      .status(201)
      .location(`/api/media/${row.id}`)
      .json({ ...row, file: undefined, url: `/media/${row.id}` });
  });

  app.get('/media/:id', (request, response) => {
    const row = find.get(request.params.id);
    if (!row) {
      response.status(404).json({ error: 'There is no such media.' });
      return;
    }
    response.type(row.type).sendFile(row.file, { root: uploadsFolder, maxAge: '1y', immutable: true });
  });

  // What such a service's health usually is: the process answers and its database does.
  app.get('/api/health', (_request, response) => {
    response.json({ status: 'ok', media: count.get(), uptimeSeconds: Math.round(process.uptime()) });
  });

  return app;
}

async function flushPath(fileOrFolder: string): Promise<void> {
  const handle = await open(fileOrFolder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
