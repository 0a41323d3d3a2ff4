import type { Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { first } from './migrations/0001-first.ts';
import type { Schema } from './schema.ts';

/** Numbered, each applied once and in this order. Add at the end; never change one that was released. */
const migrations: Record<string, Migration> = {
  '0001-first': first,
};

/** Number of the newest migration this version knows. */
export const newestSchema = Object.keys(migrations).length;

/** Brings the schema up to date. @throws the error of the migration that failed; it and those after it are not applied */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error as Error;
}
