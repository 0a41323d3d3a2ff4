/**
 * The load generator, a process of its own: a number of clients, each with one request under way, over plain sockets
 * so that it takes little of the processors it shares with the server.
 *
 *     node bench/load.ts '{"port":3000,"clients":16,"requests":4000,"seconds":6,"warmupSeconds":1,
 *                          "work":{"kind":"upload","as":"multipart","picture":"picture.jpg"}}'
 *
 * It ends after `requests` answers or `seconds`, whichever is first, and prints one line of JSON.
 */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { startClient, type Exchange } from './load/client.ts';
import { type Load, type Report } from './load/plan.ts';
import { requests } from './load/requests.ts';

const GRACE_MS = 30_000;

const report = await load(JSON.parse(process.argv[2] ?? '{}') as Load);
process.stdout.write(JSON.stringify(report) + '\n', () => process.exit(0));

async function load(plan: Load): Promise<Report> {
  const tally = startTally(plan);
  const make = requests(plan.work, { port: plan.port, seed: randomBytes(8).toString('hex') });
  const next = () => (tally.wantsMore() ? make() : undefined);
  const keepBody = (status: number): boolean => plan.listAnswers === true || status >= 400;
  const pauseMs = plan.pauseMs ?? 0;
  const parts = { port: plan.port, next, pauseMs, keepBody, onExchange: tally.add };
  const clients = Array.from({ length: plan.clients }, () => startClient(parts));

  const warmup = setTimeout(tally.begin, (plan.warmupSeconds ?? 0) * 1000);
  const limit = setTimeout(tally.end, ((plan.warmupSeconds ?? 0) + plan.seconds) * 1000);
  await tally.ended;
  clearTimeout(warmup);
  clearTimeout(limit);

  // What is under way is finished but not counted, so that the server is left without half requests.
  const giveUp = setTimeout(() => clients.forEach((client) => client.abort()), GRACE_MS);
  await Promise.all(clients.map((client) => client.finish()));
  clearTimeout(giveUp);
  return tally.report();
}

function startTally(plan: Load) {
  const expectStatus = plan.expectStatus ?? (plan.work.kind === 'upload' ? 201 : 200);
  const milliseconds: number[] = [];
  const report = emptyReport();
  const ended = Promise.withResolvers<undefined>();
  let measuring = (plan.warmupSeconds ?? 0) === 0;
  let begunMs = performance.now();
  let cpuBefore = process.cpuUsage();
  let endedMs: number | undefined;
  let asked = 0;
  let answered = 0;

  return { wantsMore, add, begin, end, ended: ended.promise, report: finish };

  function wantsMore(): boolean {
    // Without a warm-up every request counts, so no more than were ordered are sent: one 1 GB upload is one.
    const enough = (plan.warmupSeconds ?? 0) === 0 && asked >= plan.requests;
    asked++;
    return !enough && endedMs === undefined;
  }

  function begin(): void {
    measuring = true;
    begunMs = performance.now();
    cpuBefore = process.cpuUsage();
  }

  function add({ answer, error, startedMs, sentBytes }: Exchange): void {
    if (answer && plan.listAnswers && answer.status < 300 && endedMs === undefined) remember(answer.body);
    if (!measuring || endedMs !== undefined) return;
    const status = answer?.status ?? 'none';
    report.statuses[status] = (report.statuses[status] ?? 0) + 1;
    const good =
      answer?.status === expectStatus && answer.bodyBytes === (plan.expectBytes ?? answer.bodyBytes);
    if (good) {
      report.sentBytes += sentBytes;
      report.receivedBytes += answer.bodyBytes;
      milliseconds.push(performance.now() - startedMs);
    } else {
      report.errors++;
      report.firstError ??= error ?? `${status}, ${answer?.bodyBytes} bytes: ${answer?.body.slice(0, 300)}`;
    }
    if (++answered >= plan.requests) end();
  }

  function remember(body: string): void {
    const { id, url } = JSON.parse(body) as { id: string; url: string };
    report.answers.push({ id, url });
  }

  function end(): void {
    endedMs ??= performance.now();
    const { user, system } = process.cpuUsage(cpuBefore);
    report.cpuSeconds = (user + system) / 1e6;
    ended.resolve(undefined);
  }

  function finish(): Report {
    const sorted = Float64Array.from(milliseconds).sort();
    const at = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
    const seconds = ((endedMs ?? performance.now()) - begunMs) / 1000;
    const count = sorted.length;
    return {
      ...report,
      requests: count,
      seconds,
      perSecond: count / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  }
}

function emptyReport(): Report {
  const numbers = { requests: 0, seconds: 0, perSecond: 0, p50Ms: 0, p99Ms: 0, maxMs: 0, errors: 0 };
  const rest = {
    statuses: {},
    firstError: undefined,
    sentBytes: 0,
    receivedBytes: 0,
    cpuSeconds: 0,
    answers: [],
  };
  return { ...numbers, ...rest };
}
