/** What the load generator is told, and what it answers. */
import { type Work } from './requests.ts';

export type Load = {
  port: number;
  clients: number;
  work: Work;
  requests: number;
  seconds: number;
  /** Before the measuring begins; 0 where the first answer counts. */
  warmupSeconds?: number;
  /** What a client waits between an answer and its next request. */
  pauseMs?: number;
  /** Anything but this status, or another length, is an error. By default 201 for uploads and 200 else. */
  expectStatus?: number;
  expectBytes?: number;
  /** Whether to list what was made: `answers`. */
  listAnswers?: boolean;
};

export type Report = {
  requests: number;
  seconds: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  errors: number;
  statuses: { [status: string]: number };
  firstError: string | undefined;
  sentBytes: number;
  receivedBytes: number;
  /** Spent by the generator itself while it measured. */
  cpuSeconds: number;
  answers: { id: string; url: string }[];
};
