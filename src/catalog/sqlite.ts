import { Kysely, SqliteDialect } from 'kysely';
import type { Catalog } from '../core/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { storageError } from '../core/error.ts';
import type { MediaWithFacts } from '../core/media.ts';
import { createBlobBook } from './blob-book.ts';
import { createCatalogFiles, setAside, startFilesThread } from './files.ts';
import { parseLedger } from './ledger.ts';
import { migrate } from './migrate.ts';
import { openForReading, openForWriting } from './open.ts';
import { listMedia, prepareMediaById } from './read.ts';
import { recordFromRow } from './rows.ts';
import type { Schema } from './schema.ts';
import { statementTexts } from './statements.ts';
import { startWriter, type Witness, type Writer } from './writer.ts';
import type { Work } from './writer-thread.ts';

export interface SqliteCatalogParts {
  /** Path of catalog.db; made when it is not there. */
  readonly file: string;
  /** Where files that are replaced are set aside, under a dated name. */
  readonly asideDir: string;
  /** Names of the vaults that are to get every blob. */
  readonly vaults: string[];
  readonly clock: Clock;
  readonly witness: Witness;
}

export interface OpenCatalog extends Catalog {
  /** Commits a row that means nothing: whether the catalog can be written at all. @throws no-space, unavailable */
  probe(): Promise<void>;
  /** The timeline its rows belong to. */
  timeline(): Promise<number>;
  /** The greatest stamp of its changes; '' when there are none. */
  stamp(): Promise<string>;
  close(): Promise<void>;
}

interface Connections {
  writer: Writer;
  reader: Kysely<Schema>;
  mediaById: (id: string) => MediaWithFacts | undefined;
  ledger: () => string | undefined;
}

/** The catalog in one SQLite file: reads on a connection of this thread, writes in a thread of their own. */
export async function openSqliteCatalog(parts: SqliteCatalogParts): Promise<OpenCatalog> {
  const files = startFilesThread();
  let open = await connect(parts);
  /** While another file is put in its place. */
  let replacing: Promise<void> | undefined;
  let reading = 0;
  let readersGone: (() => void) | undefined;

  const read = async <T>(work: (db: Kysely<Schema>) => Promise<T> | T): Promise<T> => {
    if (replacing !== undefined) await replacing;
    reading += 1;
    try {
      return await work(open.reader);
    } catch (error) {
      throw storageError(error, 'read the catalog');
    } finally {
      reading -= 1;
      if (reading === 0) readersGone?.();
    }
  };
  const state = (name: string) =>
    read((db) => db.selectFrom('state').select('value').where('name', '=', name).executeTakeFirst());

  async function write(work: Work) {
    await replacing;
    return open.writer.write(work);
  }

  async function replace(staged: string) {
    if (reading > 0) await new Promise<void>((resolve) => (readersGone = resolve));
    await disconnect();
    await setAside(parts, staged);
    open = await connect(parts);
  }

  async function disconnect() {
    await open.writer.close();
    await open.reader.destroy();
  }

  return {
    async write(unit) {
      const { known } = await write({ unit });
      return { known };
    },
    media: (id) => read(() => open.mediaById(id)),
    list: (query) => read((db) => listMedia(db, query)),
    async row(table, id) {
      const row = await read((db) =>
        db
          .selectFrom('records')
          .selectAll()
          .where('kind', '=', table)
          .where('id', '=', id)
          .executeTakeFirst(),
      );
      return row && recordFromRow(row);
    },
    async rows(table) {
      const rows = await read((db) =>
        db
          .selectFrom('records')
          .selectAll()
          .where('kind', '=', table)
          .where('body', 'is not', null)
          .execute(),
      );
      return rows.map(recordFromRow);
    },
    async totals() {
      const ledger = await read(() => open.ledger());
      if (ledger === undefined) return { media: 0, blobs: 0, bytes: 0, uploads: 0 };
      const { media, blobs, bytes, uploads } = parseLedger(ledger);
      return { media, blobs, bytes, uploads };
    },
    async expire(beforeMs) {
      return (await write({ expireBeforeMs: beforeMs })).more;
    },
    blobs: createBlobBook(read, write),
    files: createCatalogFiles(files, parts.file, parts.vaults, (staged) => {
      replacing = replace(staged).finally(() => (replacing = undefined));
      return replacing;
    }),
    async probe() {
      await write({ note: { name: 'probe', value: String(parts.clock.nowMs()) } });
    },
    async timeline() {
      return Number((await state('timeline'))?.value ?? 0);
    },
    async stamp() {
      const ledger = await read(() => open.ledger());
      return ledger === undefined ? '' : parseLedger(ledger).stamp;
    },
    async close() {
      await disconnect();
      await files.stop();
    },
  };
}

async function connect({ file, vaults, witness }: SqliteCatalogParts): Promise<Connections> {
  await bringUpToDate(file);
  const writer = await startWriter(file, vaults, witness);
  const connection = openForReading(file);
  const reader = new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) });
  const state = connection.prepare(statementTexts.getState).pluck();
  const ledger = () => state.get('ledger') as string | undefined;
  return { writer, reader, mediaById: prepareMediaById(connection), ledger };
}

/** Before anything is served, so the flushes of it may be waited for. */
async function bringUpToDate(file: string): Promise<void> {
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: openForWriting(file, false) }) });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
}
