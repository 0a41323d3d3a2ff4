import type { Statement } from 'better-sqlite3';
import type { Connection } from './open.ts';
import type { statementTexts } from './statements.ts';

export type Statements = { readonly [name in keyof typeof statementTexts]: Statement<unknown[]> };

/** Prepares them on a connection; each run gives it new values. */
export function prepareStatements(db: Connection, texts: typeof statementTexts): Statements {
  const entries = Object.entries(texts).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(entries) as Statements;
}
